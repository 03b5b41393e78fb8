#include "glint/train/metrics_log.h"

#include <gtest/gtest.h>

#include <cmath>

#include "glint/core/atomic_file.h"
#include "support/environment.h"

namespace glint::test {
namespace {

TEST(MetricsLogTest, AResumedRunDropsTheLinesOfLaterStepsAndALineCutShort) {
  const TemporaryFolder folder;
  const auto path = folder / "metrics.jsonl";
  {
    MetricsLog log(path, 0);
    for (int step = 1; step <= 4; ++step) log.write({{"step", step}, {"loss", 0.1 * step}});
  }
  write_file(path, read_file(path) + "{\"step\": 2, \"lo");
  MetricsLog(path, 2).write({{"step", 3}, {"loss", NAN}}, {{"split", "val"}});
  EXPECT_EQ(read_file(path),
            "{\"step\":1,\"loss\":0.1}\n{\"step\":2,\"loss\":0.2}\n{\"split\":\"val\",\"step\":3,\"loss\":null}\n");
}

}  // namespace
}  // namespace glint::test
