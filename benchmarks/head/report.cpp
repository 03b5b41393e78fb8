#include "head/report.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "glint/core/error.h"
#include "glint/core/json.h"

namespace glint::bench {

namespace {

using Json = nlohmann::ordered_json;

Json counts(const Macs& macs) {
  return {{"text", macs.text}, {"video", macs.video}, {"pair", macs.pair}};
}

Json counts(const HeadCost& cost) {
  return {{"published_pair", cost.published ? Json(*cost.published) : Json()},
          {"released", counts(cost.released)},
          {"exact", counts(cost.exact)}};
}

class HeadRows {
 public:
  HeadRows(const HeadReport& report, const HeadBenchOptions& options) : report_(report), options_(options) {}

  void append_to(Json& array) const {
    array.push_back(object(report_.ours));
    auto& ours = array.back();
    if (report_.products) {
      ours["ratio"] = report_.ours.seconds / report_.products->seconds;
      ours["counts"] = counts(report_.cost);
      array.push_back(object(*report_.products));
    }
    if (report_.operators) {
      array.push_back(object(*report_.operators));
      array.back()["ratio"] = report_.operators->seconds / report_.ours.seconds;
    }
    for (const auto& prepare : {report_.prepare, report_.literal_prepare}) {
      if (prepare) array.push_back(object(*prepare));
    }
    array.push_back(object(report_.block));
    array.push_back(object(report_.literal));
    array.back()["ratio"] = report_.literal.seconds / report_.block.seconds;
    array.back()["difference"] = report_.difference;
  }

 private:
  Json object(const Measurement& measured) const {
    Json json = {{"name", measured.name}, {"seconds", measured.seconds}};
    if (measured.peak_bytes) json["peak_bytes"] = *measured.peak_bytes;
    if (measured.macs) json["macs"] = *measured.macs;
    const auto& sizes = options_.sizes;
    json.update({{"texts", measured.texts}, {"videos", measured.videos}, {"frames", sizes.frames}});
    json.update({{"words", sizes.words}, {"queries", options_.queries}, {"dim", sizes.width}, {"width", sizes.width}});
    json.update({{"threads", at::get_num_threads()}, {"runs", measured.runs}});
    auto repeated = options_;
    repeated.literal_block = report_.literal.texts;
    json["command"] = bench_command_line(repeated, report_.head);
    return json;
  }

  const HeadReport& report_;
  const HeadBenchOptions& options_;
};

// printf into a string.
template <class... Values>
std::string text(const char* format, Values... values) {
  char buffer[256];
  std::snprintf(buffer, sizeof buffer, format, values...);
  return buffer;
}

std::string block(const Measurement& measured) {
  return concat(measured.texts, " x ", measured.videos);
}

double megabytes(const Measurement& measured) {
  return static_cast<double>(measured.peak_bytes.value_or(0)) / 1e6;
}

double microseconds_a_pair(const Measurement& measured) {
  return measured.seconds * 1e6 / static_cast<double>(measured.texts * measured.videos);
}

std::string count_table(const std::vector<HeadReport>& reports, const HeadBenchOptions& options) {
  const auto pairs = static_cast<double>(options.texts * options.videos);
  std::string table =
      text("%-10s | %21s | %21s | %32s | %28s\n", "counted", "million MACs a text", "million MACs a video",
           "thousand MACs a pair", concat("G of ", options.texts, " x ", options.videos).c_str());
  table += text("%-10s | %10s %10s | %10s %10s | %10s %10s %10s | %8s %9s %9s\n", "head", "released", "exact",
                "released", "exact", "published", "released", "exact", "published", "released", "exact");
  const auto millions = [](int64_t macs) { return static_cast<double>(macs) / 1e6; };
  const auto giga = [&](int64_t macs) { return static_cast<double>(macs) * pairs / 1e9; };
  for (const auto& report : reports) {
    const auto& cost = report.cost;
    table += text("%-10s | %10.2f %10.2f | %10.2f %10.2f | ", report.head.c_str(), millions(cost.released.text),
                  millions(cost.exact.text), millions(cost.released.video), millions(cost.exact.video));
    table += text("%10s %10.2f %10.2f | ", cost.published ? text("%.2f", 1e3 * millions(*cost.published)).c_str() : "-",
                  1e3 * millions(cost.released.pair), 1e3 * millions(cost.exact.pair));
    table += text("%9s %9.1f %9.1f\n", cost.published ? text("%.1f", giga(*cost.published)).c_str() : "-",
                  giga(cost.released.pair), giga(cost.exact.pair));
  }
  return table;
}

std::string score_table(const std::vector<HeadReport>& reports) {
  const bool has_operators = std::any_of(reports.begin(), reports.end(),
                                         [](const HeadReport& report) { return report.operators.has_value(); });
  auto table = text("%-10s | %13s %10s %11s %10s %14s%s\n", "scoring", "pairs timed", "seconds", "us a pair", "peak MB",
                    "x its products", has_operators ? "   in operators s   kernel faster" : "");
  for (const auto& report : reports) {
    const auto& ours = report.ours;
    table += text("%-10s | %13s %10.4f %11.4f %10.1f %14.2f", report.head.c_str(), block(ours).c_str(), ours.seconds,
                  microseconds_a_pair(ours), megabytes(ours), ours.seconds / report.products->seconds);
    if (report.operators) {
      table += text(" %16.4f %15.2f", report.operators->seconds, report.operators->seconds / ours.seconds);
    }
    table += "\n";
  }
  return table;
}

std::string literal_table(const std::vector<HeadReport>& reports, const char* title) {
  auto table = text("%-10s | %11s | %10s %10s %7s | %10s %10s | %10s %10s %7s", title, "pairs timed", "literal s",
                    "ours s", "faster", "literal us", "ours us", "literal MB", "ours MB", "smaller");
  table += text("%s\n", reports.front().prepare ? " |   items: literal s     ours s" : "");
  for (const auto& report : reports) {
    const auto &ours = report.block, &literal = report.literal;
    table += text("%-10s | %11s | %10.4f %10.4f %7.1f | ", report.head.c_str(), block(ours).c_str(), literal.seconds,
                  ours.seconds, literal.seconds / ours.seconds);
    table += text("%10.3f %10.3f | ", microseconds_a_pair(literal), microseconds_a_pair(ours));
    table += text("%10.1f %10.1f %7.1f", megabytes(literal), megabytes(ours),
                  megabytes(literal) / std::max(megabytes(ours), 1e-6));
    if (report.prepare) table += text(" | %18.4f %10.4f", report.literal_prepare->seconds, report.prepare->seconds);
    table += "\n";
  }
  return table;
}

std::string step_table(const std::vector<HeadReport>& reports) {
  auto table = text("%-10s | %11s %10s %10s\n", "our step", "pairs", "seconds", "peak MB");
  for (const auto& report : reports) {
    table += text("%-10s | %11lld %10.4f %10.1f\n", report.head.c_str(), static_cast<long long>(report.ours.texts),
                  report.ours.seconds, megabytes(report.ours));
  }
  return table;
}

}  // namespace

std::string bench_command_line(const HeadBenchOptions& options, const std::string& head) {
  const auto& sizes = options.sizes;
  std::string line = "glint bench head";
  if (!head.empty()) line += " --head " + head;
  if (options.train) {
    line += concat(" --train --pairs ", options.pairs);
  } else {
    line += concat(" --texts ", options.texts, " --videos ", options.videos);
  }
  line += concat(" --frames ", sizes.frames, " --words ", sizes.words, " --dim ", sizes.width, " --queries ",
                 options.queries, " --repeats ", options.repeats, " --threads ", at::get_num_threads());
  if (options.operators) line += " --operators";
  if (options.block > 0) line += concat(" --block ", options.block);
  if (options.literal_block > 0) line += concat(" --literal-block ", options.literal_block);
  return line;
}

std::string reports_json(const std::vector<HeadReport>& reports, const HeadBenchOptions& options) {
  auto array = Json::array();
  for (const auto& report : reports) HeadRows(report, options).append_to(array);
  return json_text(array, 2) + "\n";
}

std::string reports_table(const std::vector<HeadReport>& reports, const HeadBenchOptions& options,
                          const std::string& head) {
  std::string tables;
  if (options.train) {
    tables = step_table(reports) + "\n" + literal_table(reports, "a step");
  } else {
    tables = count_table(reports, options) + "\n" + score_table(reports) + "\n" + literal_table(reports, "both forms");
  }
  return tables + "\n" + bench_command_line(options, head) + "\n";
}

}  // namespace glint::bench
