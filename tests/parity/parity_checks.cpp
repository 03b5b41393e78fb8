#include "parity/parity.h"

namespace glint::test {

const std::map<std::string, ParityCheck>& parity_checks() {
  static const std::map<std::string, ParityCheck> checks = {
      {"bertadam", check_bertadam},
      {"centerclip_cluster", check_centerclip_cluster},
      {"clip4clip_meanp", check_clip4clip_meanp},
      {"clip4clip_seqtransf_loss", check_clip4clip_seqtransf_loss},
      {"clip4clip_tight", check_clip4clip_tight},
      {"clip_tower", check_clip_tower},
      {"frame_sampling", check_frame_sampling},
      {"glccl_head", check_glccl_head},
      {"glscl_full", check_glscl_full},
      {"glscl_head", check_glscl_head},
      {"glscl_train", check_glscl_train},
      {"metrics", check_metrics},
      {"postprocess", check_postprocess},
      {"preprocess", check_preprocess},
      {"randaugment", check_randaugment},
      {"schedule", check_schedule},
      {"significance", check_significance},
      {"sim_full", check_sim_full},
      {"temporal", check_temporal},
      {"tokenizer", check_tokenizer},
      {"xclip_head", check_xclip_head},
      {"xpool_head", check_xpool_head},
  };
  return checks;
}

}  // namespace glint::test
