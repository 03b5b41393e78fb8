#pragma once

#include <map>
#include <string>

#include "support/golden.h"

namespace glint::test {

// One check a kind of golden case: computes with glint what the case holds and compares everything it holds. Sizes come
// from the case, never from the check.
using ParityCheck = CaseReport (*)(const GoldenCase&);

CaseReport check_clip_tower(const GoldenCase& golden);
CaseReport check_centerclip_cluster(const GoldenCase& golden);
CaseReport check_temporal(const GoldenCase& golden);
CaseReport check_clip4clip_meanp(const GoldenCase& golden);
CaseReport check_clip4clip_seqtransf_loss(const GoldenCase& golden);
CaseReport check_glccl_head(const GoldenCase& golden);
CaseReport check_clip4clip_tight(const GoldenCase& golden);
CaseReport check_glscl_head(const GoldenCase& golden);
CaseReport check_glscl_full(const GoldenCase& golden);
CaseReport check_glscl_train(const GoldenCase& golden);
CaseReport check_sim_full(const GoldenCase& golden);
CaseReport check_xclip_head(const GoldenCase& golden);
CaseReport check_xpool_head(const GoldenCase& golden);
CaseReport check_bertadam(const GoldenCase& golden);
CaseReport check_schedule(const GoldenCase& golden);
CaseReport check_metrics(const GoldenCase& golden);
CaseReport check_postprocess(const GoldenCase& golden);
CaseReport check_significance(const GoldenCase& golden);
CaseReport check_tokenizer(const GoldenCase& golden);
CaseReport check_frame_sampling(const GoldenCase& golden);
CaseReport check_preprocess(const GoldenCase& golden);
CaseReport check_randaugment(const GoldenCase& golden);

// The part of kind `preprocess` that begins in a video file; rows whose clip is not here are left out, by name.
void check_yuv2rgb(const GoldenCase& golden, CaseReport& report);

// kind -> check.
const std::map<std::string, ParityCheck>& parity_checks();

}  // namespace glint::test
