#pragma once

#include <memory>

#include "glint/io/safetensors.h"
#include "glint/model/head.h"

// The heads' formulas written out, behind the heads' own interface: HeadDescriptor::literal().
namespace glint::literal {

std::shared_ptr<RetrievalHead> mean_pool_form();
std::shared_ptr<RetrievalHead> glscl_form(const GlsclConfig& config, const FeatureShape& shape,
                                          const RetrievalHead& head);
std::shared_ptr<RetrievalHead> glccl_form(const GlcclConfig& config, const FeatureShape& shape,
                                          const RetrievalHead& head);
std::shared_ptr<RetrievalHead> xclip_form(const XclipConfig& config, const FeatureShape& shape,
                                          const RetrievalHead& head);
std::shared_ptr<RetrievalHead> xpool_form(const RetrievalHead& head);
std::shared_ptr<RetrievalHead> tight_form(const RetrievalHead& head);

// Gives `form` the values of the parameters of `head` that it has by the same names.
void copy_parameters(const RetrievalHead& head, torch::nn::Module& form);

// A head's parameters as they are called, for forms that take them by name.
TensorMap copies(const RetrievalHead& head);

}  // namespace glint::literal
