#include <algorithm>
#include <cmath>

#include "glint/core/error.h"
#include "glint/core/random.h"
#include "report/report_facts.h"

namespace glint {
namespace {

using html::element;
using html::fixed;
using html::foreign;
using html::Markup;

constexpr std::size_t kAnswersShown = 3;
constexpr std::uint64_t kQueriesKey = 0x7175;

// The class that shades a weight, against the largest of its list.
std::string shade(double weight, double largest) {
  const double share = largest > 0 ? std::clamp(weight / largest, 0.0, 1.0) : 0;
  return concat("a", static_cast<int>(std::lround(9 * share)));
}

Markup frame_weights(const std::vector<double>& weights, const char* what) {
  if (weights.empty()) return {};
  double largest = 0;
  for (const double weight : weights) largest = std::max(largest, std::abs(weight));
  Markup cells;
  for (const double weight : weights)
    cells += element("span", {{"class", shade(std::abs(weight), largest)}, {"title", fixed(weight, 3)}},
                     concat(fixed(100 * weight, 0), " "));
  return element("div", {{"class", "weights"}, {"role", "img"}, {"aria-label", what}}, cells);
}

Markup word_weights(const std::vector<ShownWord>& shown) {
  if (shown.empty()) return {};
  double largest = 0;
  for (const auto& word : shown) largest = std::max(largest, word.weight);
  Markup line;
  for (const auto& word : shown)
    line += element("span", {{"class", "word " + shade(word.weight, largest)}},
                    foreign(word.text) + element("small", fixed(100 * word.weight, 0))) +
            " ";
  return words(element("span", {{"class", "soft"}}, "Attention over words, %: ") + line);
}

Markup explanation_of(const ReportFacts& facts, const Question& question, const std::string& video) {
  const auto& known = facts.report.media.explanations;
  const auto found = known.find({facts.shown, question.id, video});
  if (found == known.end()) return {};
  const auto& why = found->second;
  Markup content;
  std::string parts;
  for (const auto& [name, value] : why.parts)
    parts += concat(parts.empty() ? "" : ", ", name, " ", html::with_sign(value, 3));
  content += frame_weights(why.frames, "Attention over frames, %") +
             frame_weights(why.frame_parts, "What each frame adds to the score, hundredths");
  if (!parts.empty()) content += words(element("span", {{"class", "soft"}}, "Score = ") + parts);
  return content + word_weights(why.words);
}

std::string caption_of_video(const RunRecord& run, const std::string& video) {
  for (const auto& query : run.evaluation.ranks.queries) {
    if (query.video == video) return query.caption;
  }
  return "";
}

// One clip under a query: what it is, its score, its frames, why.
Markup clip_line(const ReportFacts& facts, const Question& question, const std::string& video, const std::string& place,
                 double score, html::Pictures& pictures) {
  const bool is_truth = video == question.video;
  auto line = element("strong", is_truth ? Markup(concat(place, ", the right one: ")) : Markup(place + ": ")) +
              foreign(video) + concat(", score ", fixed(score, 3));
  auto content = words(line) + strip_of(facts, video, pictures);
  if (!is_truth) {
    const auto caption = caption_of_video(facts.shown_run(), video);
    if (!caption.empty()) content += words(element("span", {{"class", "soft"}}, "Its caption: ") + foreign(caption));
  }
  content += explanation_of(facts, question, video);
  return element("div", {{"class", is_truth ? "strip truth" : "strip answer"}}, content);
}

Markup other_ranks(const ReportFacts& facts, std::size_t i) {
  Markup text;
  for (std::size_t r = 0; r < facts.report.runs.size(); ++r) {
    if (r == facts.shown) continue;
    text += "; rank in ";
    text += foreign(facts.report.runs[r].name) + concat(": ", html::short_number(facts.t2v.runs[r][i].rank + 1));
  }
  return text;
}

Markup query_card(const ReportFacts& facts, std::size_t i, html::Pictures& pictures) {
  const auto& run = facts.shown_run();
  const auto& question = facts.t2v.runs[facts.shown][i];
  const auto& gallery = run.evaluation.ranks.gallery;
  auto card = element("h4", foreign(question.caption));
  card += element("p", {{"class", question.is_right() ? "good" : "bad"}},
                  concat("Rank ", html::short_number(question.rank + 1), " of ",
                         html::with_commas(static_cast<long long>(gallery.size()))) +
                      other_ranks(facts, i));
  const auto shown = std::min(kAnswersShown, question.best.size());
  bool has_truth = false;
  Markup lines;
  for (std::size_t k = 0; k < shown; ++k) {
    const auto& video = gallery[static_cast<std::size_t>(question.best[k])].id;
    has_truth = has_truth || video == question.video;
    lines += clip_line(facts, question, video, concat("Answer ", k + 1), question.best_scores[k], pictures);
  }
  if (!has_truth && !question.video.empty())
    card += clip_line(facts, question, question.video, concat("Rank ", html::short_number(question.rank + 1)),
                      question.truth_score, pictures);
  return element("article", {{"class", "card"}}, card + lines) + Markup::trusted("\n");
}

Markup cards(const ReportFacts& facts, const std::vector<std::size_t>& chosen, html::Pictures& pictures) {
  Markup all;
  for (const auto i : chosen) all += query_card(facts, i, pictures);
  return element("div", {{"class", "cards"}}, all);
}

}  // namespace

ChosenQueries choose_queries(const ReportFacts& facts, std::size_t count) {
  const auto& questions = facts.t2v.runs[facts.shown];
  const auto lead = [&](std::size_t i) {
    return questions[i].best_scores.empty() ? 0 : questions[i].best_scores.front() - questions[i].truth_score;
  };
  std::vector<std::size_t> order(questions.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return questions[a].rank != questions[b].rank ? questions[a].rank > questions[b].rank : lead(a) > lead(b);
  });
  const auto hardest = std::min(count, order.size());
  ChosenQueries chosen;
  chosen.hardest.assign(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(hardest));
  std::vector<std::size_t> rest(order.begin() + static_cast<std::ptrdiff_t>(hardest), order.end());
  std::sort(rest.begin(), rest.end());
  Random random({facts.report.resampling.seed, kQueriesKey});
  for (const auto i : random.permutation(static_cast<std::int64_t>(rest.size()))) {
    if (chosen.random.size() == count) break;
    chosen.random.push_back(rest[static_cast<std::size_t>(i)]);
  }
  std::sort(chosen.random.begin(), chosen.random.end());
  return chosen;
}

Markup queries_section(const ReportFacts& facts, std::size_t queries, html::Pictures& pictures) {
  const auto chosen = choose_queries(facts, queries);
  Markup section;
  if (facts.has_several()) section += words(Markup("Queries and answers of ") + foreign(facts.shown_run().name) + ".");
  if (!facts.report.media.no_strips.empty()) section += words(foreign(facts.report.media.no_strips));
  section += element("h3", concat("The ", chosen.hardest.size(), " hardest")) + cards(facts, chosen.hardest, pictures);
  if (!chosen.random.empty())
    section +=
        element("h3", concat(chosen.random.size(), " others, drawn at random")) + cards(facts, chosen.random, pictures);
  return section;
}

ShownQueries shown_queries(const RunReport& report, std::size_t queries) {
  const ReportFacts facts(report);
  const auto chosen = choose_queries(facts, queries);
  const auto& gallery = facts.shown_run().evaluation.ranks.gallery;
  ShownQueries shown;
  const auto add_video = [&](const std::string& video) {
    if (!video.empty() && std::find(shown.videos.begin(), shown.videos.end(), video) == shown.videos.end())
      shown.videos.push_back(video);
  };
  for (const auto* list : {&chosen.hardest, &chosen.random}) {
    for (const auto i : *list) {
      const auto& question = facts.t2v.runs[facts.shown][i];
      std::vector<std::string> videos = {question.video};
      for (std::size_t k = 0; k < std::min(kAnswersShown, question.best.size()); ++k)
        videos.push_back(gallery[static_cast<std::size_t>(question.best[k])].id);
      for (const auto& video : videos) {
        add_video(video);
        const ShownPair pair{facts.shown, question.id, video};
        if (!video.empty() && std::find(shown.pairs.begin(), shown.pairs.end(), pair) == shown.pairs.end())
          shown.pairs.push_back(pair);
      }
    }
  }
  for (const auto row : largest_hubs(facts)) add_video(gallery[row].id);
  return shown;
}

}  // namespace glint
