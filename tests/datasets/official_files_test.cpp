#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "datasets/annotation_files.h"
#include "datasets/json_text.h"
#include "datasets/official_set.h"

// The counts of the annotations' README, on the real files.

namespace glint::test {
namespace {

using testing::ElementsAre;

std::vector<std::string> sorted(std::vector<std::string> ids) {
  std::sort(ids.begin(), ids.end());
  return ids;
}

class OfficialFilesTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto shared = shared_dir();
    if (!shared) GTEST_SKIP() << kNoSharedDir;
    annotations_ = std::filesystem::absolute(*shared / "data/annotations");
  }
  DataConfig config(const std::string& name, const std::string& protocol = "") const {
    DataConfig config;
    config.name = name;
    config.root = (annotations_ / name).string();
    config.protocol = protocol;
    config.val_split = "";
    return config;
  }
  AnnotationFile file(const std::string& set, const std::string& name) const {
    return AnnotationFolder(config(set)).read({name});
  }
  std::vector<std::string> list(const std::string& set, const std::string& name) const {
    return parse_id_list(file(set, name));
  }
  // The split, which must have so many videos and captions, and the published counts where it says so.
  static Dataset counted(const DataConfig& config, const std::string& split, std::size_t videos, std::size_t captions,
                         bool as_published = true) {
    auto dataset = read_dataset(config, split);
    EXPECT_EQ(dataset.clips.size(), videos) << config.name << " " << split;
    EXPECT_EQ(dataset.captions.size(), captions) << config.name << " " << split;
    const auto published = published_counts(config, split);
    EXPECT_TRUE(published);
    if (published && as_published) {
      EXPECT_EQ(published->videos, static_cast<int64_t>(videos));
      EXPECT_EQ(published->captions, static_cast<int64_t>(captions));
    }
    return dataset;
  }
  // The running count of captions at the end of each video: the reference's cut_off_points.
  static std::vector<int64_t> cut_off_points(const Dataset& dataset) {
    std::vector<int64_t> ends(dataset.clips.size());
    for (std::size_t i = 0; i < dataset.captions.size(); ++i) {
      ends[static_cast<std::size_t>(dataset.captions[i].clip)] = static_cast<int64_t>(i) + 1;
    }
    return ends;
  }
  static std::size_t sentences(CaptionTable& table, const std::vector<std::string>& ids) {
    std::size_t count = 0;
    for (const auto& id : ids) {
      const auto* video = table.find(id);
      if (video != nullptr) count += video->captions.size();
    }
    return count;
  }
  static std::size_t all_sentences(CaptionTable& table) {
    std::size_t count = 0;
    for (const auto& video : table.videos()) count += video.captions.size();
    return count;
  }

  std::filesystem::path annotations_;
};

TEST_F(OfficialFilesTest, MsrvttHasThePublishedCounts) {
  counted(config("msrvtt", "9k"), "train", 9000, 180'000);
  counted(config("msrvtt", "7k"), "train", 7010, 140'200);
  counted(config("msrvtt", "full"), "train", 6513, 130'260);
  counted(config("msrvtt", "full"), "val", 497, 9940);
  counted(config("msrvtt", "full"), "test", 2990, 59'800);
  const auto test = counted(config("msrvtt"), "test", 1000, 1000);
  EXPECT_EQ(test.clips[0].id, "video9770");
  EXPECT_EQ(test.captions[0].text, "a person is connecting something to system");
  for (const auto& [protocol, videos] : {std::pair<std::string, std::size_t>{"9k", 8503}, {"7k", 6513}}) {
    auto held_out = config("msrvtt", protocol);
    held_out.val_split = "val";
    EXPECT_EQ(read_dataset(held_out, "train").clips.size(), videos);
  }
}

TEST_F(OfficialFilesTest, MsrvttsMultiSentenceTestHasTwentyCaptionsAVideo) {
  const auto ends = cut_off_points(read_dataset(config("msrvtt", "full"), "test"));
  for (std::size_t i = 0; i < ends.size(); ++i) ASSERT_EQ(ends[i], 20 * (static_cast<int64_t>(i) + 1));
}

TEST_F(OfficialFilesTest, MsrvttsTwoOfficialFilesHoldWhatTheJoinedOneHolds) {
  const TemporaryFolder folder;
  for (const char* name : {"train_val_videodatainfo.json.gz", "test_videodatainfo.json.gz", "MSRVTT_train.9k.csv"}) {
    std::filesystem::create_symlink(annotations_ / "msrvtt" / name, folder / name);
  }
  auto parts = config("msrvtt");
  parts.root = folder.path().string();
  EXPECT_EQ(numbered_captions(read_dataset(parts, "train")),
            numbered_captions(read_dataset(config("msrvtt"), "train")));
}

TEST_F(OfficialFilesTest, MsrvttsListsOfIdsHaveTheirCounts) {
  const std::vector<std::pair<std::string, std::size_t>> lists = {
      {"train_list_full.txt", 6513},     {"val_list_full.txt", 497},      {"test_list_full.txt", 2990},
      {"train_list_jsfusion.txt", 9000}, {"val_list_jsfusion.txt", 1000}, {"train_list_miech.txt", 6656},
      {"test_list_miech.txt", 1000}};
  for (const auto& [name, count] : lists) EXPECT_EQ(list("msrvtt", name).size(), count) << name;
  const auto test = clip_ids(read_dataset(config("msrvtt"), "test"));
  EXPECT_EQ(sorted(list("msrvtt", "val_list_jsfusion.txt")), sorted(test));
}

TEST_F(OfficialFilesTest, MsvdHasThePublishedCountsAndCutOffPoints) {
  const auto train = counted(config("msvd"), "train", 1200, 48'774);
  const auto val = counted(config("msvd"), "val", 100, 4290);
  const auto test = counted(config("msvd"), "test", 670, 27'763);
  const auto ends = cut_off_points(train);
  EXPECT_THAT(std::vector<int64_t>(ends.begin(), ends.begin() + 3), ElementsAre(29, 71, 103));
  struct Range {
    const Dataset* dataset;
    int64_t fewest, most;
  };
  std::size_t repeats = 0;
  for (const auto& [dataset, fewest, most] : {Range{&train, 18, 66}, Range{&val, 25, 62}, Range{&test, 21, 81}}) {
    auto counts = cut_off_points(*dataset);
    for (std::size_t i = counts.size(); i-- > 1;) counts[i] -= counts[i - 1];
    EXPECT_EQ(*std::min_element(counts.begin(), counts.end()), fewest);
    EXPECT_EQ(*std::max_element(counts.begin(), counts.end()), most);
    const auto captions = numbered_captions(*dataset);
    repeats += captions.size() - std::set<std::string>(captions.begin(), captions.end()).size();
  }
  EXPECT_EQ(repeats, 10'845u);
}

TEST_F(OfficialFilesTest, MsvdsPickleHoldsWhatXPoolsJsonHolds) {
  const TemporaryFolder folder;
  for (const char* name : {"captions_msvd.json.gz", "train_list.txt", "val_list.txt", "test_list.txt"}) {
    std::filesystem::create_symlink(annotations_ / "msvd" / name, folder / name);
  }
  auto json = config("msvd");
  json.root = folder.path().string();
  for (const char* split : {"train", "val", "test"}) {
    EXPECT_EQ(numbered_captions(read_dataset(json, split)), numbered_captions(read_dataset(config("msvd"), split)));
  }
}

TEST_F(OfficialFilesTest, DidemosParagraphsAreThoseOfTheLabelTables) {
  for (const auto& [split, videos, labelled] :
       {std::tuple<std::string, std::size_t, std::size_t>{"val", 1065, 1062}, {"test", 1004, 1004}}) {
    const auto dataset = counted(config("didemo"), split, videos, videos);
    auto labels = parse_didemo_labels(file("didemo", "didemo_" + split + "_label.csv"));
    ASSERT_EQ(labels.videos().size(), labelled);
    std::vector<std::string> order;  // of the videos that have labels
    for (std::size_t i = 0; i < dataset.clips.size(); ++i) {
      const auto* label = labels.find(dataset.clips[i].id);
      if (label == nullptr) continue;
      EXPECT_EQ(dataset.captions[i].text, label->captions[0]) << label->id;
      order.push_back(label->id);
    }
    ASSERT_EQ(order.size(), labelled);
    for (std::size_t i = 0; i < order.size(); ++i) EXPECT_EQ(order[i], labels.videos()[i].id);
  }
}

TEST_F(OfficialFilesTest, DidemoHasItsCounts) {
  const auto train = counted(config("didemo"), "train", 8362, 8362, /*as_published=*/false);
  EXPECT_EQ(train.left_out.size(), 30u);
  const auto wmv = std::count_if(train.left_out.begin(), train.left_out.end(),
                                 [](const auto& video) { return video.id.ends_with(".wmv"); });
  EXPECT_EQ(wmv, 21);
  EXPECT_EQ(list("didemo", "train_list.txt").size(), 8392u);
  auto val = parse_didemo_records(file("didemo", "val_data.json"));
  EXPECT_EQ(val.videos().size(), 1094u);
  EXPECT_EQ(all_sentences(val), 4180u);
  EXPECT_EQ(sentences(val, list("didemo", "val_list.txt")), 4109u);
  auto test = parse_didemo_records(file("didemo", "test_data.json"));
  EXPECT_EQ(test.videos().size(), 1037u);
  EXPECT_EQ(all_sentences(test), 4021u);
  EXPECT_EQ(sentences(test, list("didemo", "test_list.txt")), 3932u);
}

TEST_F(OfficialFilesTest, ActivityNetHasThePublishedCounts) {
  const auto train = counted(config("activitynet"), "train", 10'009, 10'009);
  const auto test = counted(config("activitynet"), "test", 4917, 4917);
  EXPECT_EQ(train.left_out.size(), 15u);
  EXPECT_EQ(test.left_out.size(), 9u);
  EXPECT_EQ(test.clips[0].id, "v_JDg--pjY5gg");  // the order of the ids, not of the captions
  EXPECT_EQ(parse_id_json(file("activitynet", "train_ids.json")).size(), 10'024u);
  EXPECT_EQ(parse_id_json(file("activitynet", "val_ids.json")).size(), 4926u);
  const auto clip =
      std::find_if(test.clips.begin(), test.clips.end(), [](const auto& c) { return c.id == "v_uqiMw7tQ1Cc"; });
  ASSERT_NE(clip, test.clips.end());
  EXPECT_EQ(clip->end_s, 56);  // of 55.15 s
  EXPECT_EQ(test.captions[static_cast<std::size_t>(clip - test.clips.begin())].text,
            "A weight lifting tutorial is given.   The coach helps the guy in red with the proper body placement and "
            "lifting technique.");
  for (const auto& [dataset, name] : {std::pair{&train, "train_list.txt"}, {&test, "val_1_list.txt"}}) {
    EXPECT_EQ(sorted(list("activitynet", name)), sorted(clip_ids(*dataset)));
  }
}

TEST_F(OfficialFilesTest, ActivityNetsFilesHaveTheirSentences) {
  for (const auto& [name, videos, count] :
       {std::tuple<std::string, std::size_t, std::size_t>{"train.json", 10'009, 37'421},
        {"val_1.json", 4917, 17'505},
        {"val_2.json", 4885, 17'031}}) {
    auto table = parse_activitynet_captions(file("activitynet", name));
    EXPECT_EQ(table.videos().size(), videos);
    EXPECT_EQ(all_sentences(table), count);
  }
  EXPECT_EQ(list("activitynet", "val_2_list.txt").size(), 4885u);
}

TEST_F(OfficialFilesTest, VatexsListsHaveThePublishedCounts) {
  const TemporaryFolder folder;  // the real lists, captions that are invented
  auto captions = nlohmann::json::object();
  for (const char* name : {"train_list.txt", "val_list.txt", "test_list.txt", "test1k5_sec_list.txt"}) {
    std::filesystem::create_symlink(annotations_ / "vatex" / name, folder / name);
    for (const auto& id : list("vatex", name)) {
      for (int i = 0; i < 10; ++i) captions[id]["enCap"][i] = concat("caption ", i, " of ", id);
    }
  }
  std::ofstream(folder / "vatex_data.json") << captions;
  auto hgr = config("vatex");
  hgr.root = folder.path().string();
  counted(hgr, "train", 25'991, 259'910);
  const auto val = clip_ids(counted(hgr, "val", 1500, 15'000));
  const auto test = clip_ids(counted(hgr, "test", 1500, 15'000));
  hgr.protocol = "1k5";
  const auto random_test = clip_ids(counted(hgr, "test", 1500, 15'000));
  EXPECT_EQ(read_dataset(hgr, "val").clips.size(), 1500u);
  const auto shared_with = [&](const std::vector<std::string>& other) {
    const std::set<std::string> ids(other.begin(), other.end());
    return std::count_if(random_test.begin(), random_test.end(), [&](const auto& id) { return ids.count(id) != 0; });
  };
  EXPECT_EQ(shared_with(val), 776);
  EXPECT_EQ(shared_with(test), 724);
}

}  // namespace
}  // namespace glint::test
