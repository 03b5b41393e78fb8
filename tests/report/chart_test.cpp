#include "glint/report/chart.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "glint/core/error.h"
#include "report/markup_reader.h"
#include "report/plot.h"

namespace glint::html {
namespace {

using test::read_markup;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const std::string kHostile = "</svg><script>alert(1)</script>\xFF\" onload=\"x";
const double kNan = std::nan("");

LineChart curves() {
  LineChart chart{"Loss", "It falls.", {"step"}, {"loss"}, {}, {{3, "best"}}};
  chart.series.push_back({"a", {1, 2, 3, 4}, {4, 3, 2.5, 2.25}, {3, 2, 2, 2}, {5, 4, 3, 3}});
  chart.series.push_back({"b", {2, 4}, {1, 0.5}, {}, {}});
  return chart;
}

// Every kind of chart, with `text` wherever a text goes and `value` among the numbers.
std::vector<Markup> all_charts(const std::string& text, double value) {
  const auto line = [&] {
    LineChart chart{text, text, {text, true}, {text}, {}, {{2, text}}};
    chart.series.push_back({text, {1, 2, 3}, {1, value, 3}, {0, value, 2}, {2, value, 4}});
    chart.series.push_back({text, {1, 2, 3}, {value, 2, 3}, {}, {}});
    return line_chart(chart);
  };
  BarChart bars{text, text, {text}, {text, "y"}, {{text, {1, value}, {0, value}, {2, value}}, {text, {2, 1}, {}, {}}}};
  ScatterChart scatter{text, text, {text, true}, {text}, {{text, {{1, 2, text}, {value, 3, text}}}}};
  scatter.front = pareto_front(scatter.series);
  scatter.front_name = text;
  const IntervalChart intervals{text, text, {text}, {{text, 1, 0, value}, {text, value, 0, 1}}, 0.0};
  const MatrixChart matrix{text, text, text, text, {text, "b"}, {text, "d"}, {{1.0, value}, {std::nullopt, -2.0}},
                           1,    true};
  return {line(), bar_chart(bars), scatter_chart(scatter), interval_chart(intervals), matrix_chart(matrix)};
}

TEST(ChartTest, EachHasATitleADescriptionAndItsDataAsATable) {
  for (const auto& chart : all_charts("words", 2)) {
    const auto seen = read_markup(chart.text());
    EXPECT_EQ(seen.fault, "") << chart.text();
    for (const std::string element : {"figure", "svg", "title", "desc", "details", "table", "figcaption"})
      EXPECT_EQ(seen.count(element), 1U) << element;
    EXPECT_THAT(chart.text(), HasSubstr("role=\"img\" aria-labelledby=\"t"));
    EXPECT_EQ(seen.count_attribute("style"), 0U);  // the page's policy forbids them
  }
}

TEST(ChartTest, HostileTextsStayTexts) {
  for (const auto& chart : all_charts(kHostile, 2)) {
    const auto seen = read_markup(chart.text());
    EXPECT_EQ(seen.fault, "");
    EXPECT_EQ(seen.count("script"), 0U);
    EXPECT_EQ(seen.count_attribute("onload"), 0U);
    EXPECT_THAT(seen.text, HasSubstr("</svg><script>alert(1)</script>?\" onload=\"x"));
  }
}

TEST(ChartTest, NumbersThatAreNoneReachNoCoordinate) {
  for (const double value : {kNan, std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()}) {
    for (const auto& chart : all_charts("words", value)) {
      const auto seen = read_markup(chart.text());
      EXPECT_EQ(seen.fault, "");
      for (const auto& attributes : seen.attributes) {
        for (const auto& [key, said] : attributes) {
          if (key == "data-key") continue;
          EXPECT_THAT(said, Not(HasSubstr("nan"))) << key;
          EXPECT_THAT(said, Not(HasSubstr("not a number"))) << key;
          EXPECT_THAT(said, Not(HasSubstr("inf"))) << key;
        }
      }
    }
  }
}

TEST(ChartTest, NothingToShowIsAChartAllTheSame) {
  EXPECT_EQ(read_markup(line_chart({"t", "d", {}, {}, {}}).text()).fault, "");
  EXPECT_EQ(read_markup(line_chart({"t", "d", {"", true}, {"", true}, {{"a", {0}, {-1}, {}, {}}}}).text()).fault, "");
  EXPECT_EQ(read_markup(bar_chart({"t", "d", {}, {}, {}}).text()).fault, "");
  EXPECT_EQ(read_markup(scatter_chart({"t", "d", {}, {}, {}}).text()).fault, "");
  EXPECT_EQ(read_markup(interval_chart({"t", "d", {}, {}, {}}).text()).fault, "");
  EXPECT_EQ(read_markup(matrix_chart({"t", "d", "", "", {}, {}, {}}).text()).fault, "");
}

TEST(LineChartTest, SeriesDifferByColourDashesAndMarker) {
  const auto text = line_chart(curves()).text();
  EXPECT_THAT(text, HasSubstr("#0072B2"));
  EXPECT_THAT(text, HasSubstr("#D55E00"));
  EXPECT_THAT(text, HasSubstr("stroke-dasharray=\"7 3\""));
  EXPECT_THAT(text, HasSubstr("<circle"));
  EXPECT_THAT(text, HasSubstr("fill-opacity=\"0.18\""));  // the band
  EXPECT_THAT(text, HasSubstr(">best</text>"));
}

TEST(LineChartTest, ItsTableHasARowForEveryX) {
  const auto text = line_chart(curves()).text();
  EXPECT_EQ(read_markup(text).count("tr"), 5U);
  EXPECT_THAT(text, HasSubstr("2.25 (2 to 3)"));
}

TEST(LineChartTest, SizesThatDoNotFitAreABug) {
  auto chart = curves();
  chart.series[1].y.push_back(1);
  EXPECT_THROW(line_chart(chart), Bug);
  chart = curves();
  chart.series[0].low.pop_back();
  EXPECT_THROW(line_chart(chart), Bug);
  EXPECT_THROW(bar_chart({"t", "d", {}, {"a"}, {{"s", {1, 2}, {}, {}}}}), Bug);
  EXPECT_THROW(matrix_chart({"t", "d", "", "", {"a"}, {"b"}, {{1.0, 2.0}}}), Bug);
}

TEST(ScatterChartTest, TheFrontHoldsWhatNothingBeatsInBoth) {
  const auto front = pareto_front(
      {{"a", {{1, 10, "p"}, {2, 9, "q"}, {4, 30, "r"}}}, {"b", {{3, 20, "s"}, {4, 25, "t"}, {kNan, 99, "u"}}}});
  std::vector<std::string> labels;
  for (const auto& point : front) labels.push_back(point.label);
  EXPECT_THAT(labels, ElementsAre("p", "s", "r"));
}

TEST(PlotTest, TicksAreRoundAndInside) {
  const auto labels = [](const std::vector<Tick>& ticks) {
    std::vector<std::string> all;
    for (const auto& tick : ticks) all.push_back(tick.label);
    return all;
  };
  EXPECT_THAT(labels(ticks_of({0, 100, false, 0, 1}, 5)), ElementsAre("0", "20", "40", "60", "80", "100"));
  EXPECT_THAT(labels(ticks_of({-0.15, 0.25, false, 0, 1}, 4)), ElementsAre("-0.1", "0.0", "0.1", "0.2"));
  EXPECT_THAT(labels(ticks_of({1, 10'000, true, 0, 1}, 5)), ElementsAre("1", "10", "100", "1,000", "10,000"));
  EXPECT_THAT(labels(ticks_of({0, 2e9, false, 0, 1}, 2)), ElementsAre("0", "1 G", "2 G"));
  EXPECT_THAT(labels(ticks_of({1, 60, true, 0, 1}, 5)), ElementsAre("1", "2", "5", "10", "20", "50"));
}

TEST(PlotTest, ALongNameIsCutBetweenCharacters) {
  EXPECT_EQ(shortened("short", 10), "short");
  EXPECT_EQ(shortened("\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9", 3), "\xC3\xA9\xC3\xA9\xC3\xA9\xE2\x80\xA6");
  EXPECT_EQ(shortened("several words here", 12), "several\xE2\x80\xA6");
}

}  // namespace
}  // namespace glint::html
