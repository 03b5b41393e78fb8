#include "report/plot.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>

#include "glint/core/error.h"
#include "glint/core/hash.h"
#include "glint/core/utf8.h"

namespace glint::html {
namespace {

constexpr double kPlotHeight = 210;
constexpr double kRightMargin = 14;
constexpr double kLegendRow = 18;
constexpr double kLegendMark = 26;

struct NamedColour {
  const char* colour;
  const char* dashes;
};
// Blue first, then what is farthest from it; yellow, which a white ground swallows, last.
constexpr std::array<NamedColour, 8> kLooks = {{{"#0072B2", ""},
                                                {"#D55E00", "7 3"},
                                                {"#009E73", "2 3"},
                                                {"#CC79A7", "9 3 2 3"},
                                                {"#E69F00", "4 2"},
                                                {"#56B4E9", "12 4"},
                                                {"#555555", "1 2"},
                                                {"#B3A500", "6 2 1 2 1 2"}}};

double transformed(const Scale& scale, double value) {
  return scale.is_log ? std::log10(value) : value;
}

double round_step(double rough) {
  const double power = std::pow(10, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= rough * (1 - 1e-9)) return factor * power;
  }
  return 10 * power;
}

// "1 M" rather than "1e+06".
std::string tick_label(double value) {
  const std::pair<double, const char*> units[] = {{1e12, " T"}, {1e9, " G"}, {1e6, " M"}};
  for (const auto& [size, name] : units) {
    if (std::abs(value) >= size && std::abs(value) < 1000 * size) return short_number(value / size) + name;
  }
  return short_number(value);
}

std::vector<Tick> log_ticks(const Scale& scale, int wanted) {
  const double decades = std::log10(scale.high / scale.low);
  const std::vector<double> factors = decades > wanted / 2.0 ? std::vector<double>{1} : std::vector<double>{1, 2, 5};
  const int every = std::max(1, static_cast<int>(std::ceil(decades / wanted)));
  std::vector<Tick> ticks;
  const int first = static_cast<int>(std::floor(std::log10(scale.low)));
  for (int power = first; power <= static_cast<int>(std::ceil(std::log10(scale.high))); ++power) {
    if ((power - first) % every != 0) continue;
    for (const double factor : factors) {
      const double value = factor * std::pow(10, power);
      if (value >= scale.low * (1 - 1e-9) && value <= scale.high * (1 + 1e-9))
        ticks.push_back({value, tick_label(value)});
    }
  }
  return ticks;
}

Attributes joined(Attributes a, const Attributes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

}  // namespace

bool Scale::takes(double value) const {
  return std::isfinite(value) && (!is_log || value > 0);
}

double Scale::at(double value) const {
  const double from = transformed(*this, low), to = transformed(*this, high);
  return begin + (end - begin) * (transformed(*this, value) - from) / (to - from);
}

Scale scale_over(const std::vector<double>& values, const Axis& axis, bool from_zero) {
  Scale scale;
  scale.is_log = axis.is_log;
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const double value : values) {
    if (!scale.takes(value)) continue;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  if (axis.low && scale.takes(*axis.low)) low = std::min(low, *axis.low);
  if (axis.high && scale.takes(*axis.high)) high = std::max(high, *axis.high);
  if (!(low <= high)) low = axis.is_log ? 1 : 0, high = axis.is_log ? 10 : 1;
  if (axis.is_log) {
    if (high < low * 1.01) low /= 2, high *= 2;
    scale.low = low, scale.high = high;
    return scale;
  }
  if (from_zero) low = std::min(low, 0.0), high = std::max(high, 0.0);
  if (high - low < 1e-12 * std::max(std::abs(high), 1e-300)) high = low + (low == 0 ? 1 : std::abs(low) * 0.1);
  const double margin = 0.04 * (high - low);
  scale.low = from_zero && low == 0 ? 0 : axis.low && *axis.low == low ? low : low - margin;
  scale.high = from_zero && high == 0 ? 0 : axis.high && *axis.high == high ? high : high + margin;
  return scale;
}

std::vector<Tick> ticks_of(const Scale& scale, int wanted) {
  if (scale.is_log) return log_ticks(scale, wanted);
  const double step = round_step((scale.high - scale.low) / wanted);
  const int digits = std::clamp(static_cast<int>(std::ceil(-std::log10(step) - 1e-9)), 0, 8);
  std::vector<Tick> ticks;
  for (auto n = static_cast<std::int64_t>(std::ceil(scale.low / step - 1e-9)); ticks.size() < 50; ++n) {
    const double value = static_cast<double>(n) * step;
    if (value > scale.high + 1e-9 * step) break;
    const bool is_plain = std::abs(value) < 1e6 && step >= 1e-6;
    ticks.push_back({value, is_plain && digits > 0 ? fixed(value, digits) : tick_label(value)});
  }
  return ticks;
}

double text_width(const std::string& text) {
  const auto characters = std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; });
  return 0.56 * kFontSize * static_cast<double>(characters);
}

std::string shortened(const std::string& text, std::size_t characters) {
  const auto valid = valid_utf8(text);
  std::size_t count = 0;
  for (std::size_t i = 0; i < valid.size(); ++i) {
    if ((valid[i] & '\xC0') == '\x80') continue;
    if (++count > characters)
      return valid.substr(0, valid.rfind(' ', i) > i / 2 && valid.rfind(' ', i) < i ? valid.rfind(' ', i) : i) +
             "\xE2\x80\xA6";
  }
  return valid;
}

std::string place(double value) {
  return fixed(value, 2);
}

Markup svg_text(double x, double y, const std::string& text, const char* anchor, const Attributes& more) {
  return element("text",
                 joined({{"x", place(x)}, {"y", place(y)}, {"text-anchor", anchor}, {"fill", "currentColor"}}, more),
                 text);
}

Markup svg_line(double x1, double y1, double x2, double y2, const Attributes& more) {
  return single(
      "line",
      joined({{"x1", place(x1)}, {"y1", place(y1)}, {"x2", place(x2)}, {"y2", place(y2)}, {"stroke", "currentColor"}},
             more));
}

Look look_of(std::size_t index) {
  const auto& look = kLooks[index % kLooks.size()];
  return {concat("s", index % kLooks.size()), look.colour, look.dashes};
}

// Circle, square, triangle, diamond, triangle upside down, plus, cross, ring.
Markup marker(std::size_t index, double x, double y, double size) {
  const auto look = look_of(index);
  const double s = size;
  const auto at = [&](double dx, double dy) { return concat(place(x + dx), " ", place(y + dy)); };
  const std::array<std::string, 8> paths = {
      "",
      concat("M", at(-s, -s), "L", at(s, -s), "L", at(s, s), "L", at(-s, s), "Z"),
      concat("M", at(0, -1.2 * s), "L", at(1.2 * s, s), "L", at(-1.2 * s, s), "Z"),
      concat("M", at(0, -1.4 * s), "L", at(1.4 * s, 0), "L", at(0, 1.4 * s), "L", at(-1.4 * s, 0), "Z"),
      concat("M", at(0, 1.2 * s), "L", at(1.2 * s, -s), "L", at(-1.2 * s, -s), "Z"),
      concat("M", at(-1.3 * s, 0), "L", at(1.3 * s, 0), "M", at(0, -1.3 * s), "L", at(0, 1.3 * s)),
      concat("M", at(-s, -s), "L", at(s, s), "M", at(-s, s), "L", at(s, -s)),
      ""};
  const auto shape = index % paths.size();
  if (shape == 0)
    return single(
        "circle",
        {{"class", look.style + " f"}, {"fill", look.colour}, {"cx", place(x)}, {"cy", place(y)}, {"r", place(s)}});
  const Attributes line = {
      {"class", look.style + " k"}, {"stroke", look.colour}, {"stroke-width", "1.8"}, {"fill", "none"}};
  if (shape == 7) return single("circle", joined(line, {{"cx", place(x)}, {"cy", place(y)}, {"r", place(s)}}));
  if (shape >= 5) return single("path", joined(line, {{"d", paths[shape]}}));
  return single("path", {{"class", look.style + " f"}, {"fill", look.colour}, {"d", paths[shape]}});
}

Markup svg_path(const std::string& data, std::size_t index, bool is_dashed) {
  const auto look = look_of(index);
  Attributes attributes = {{"class", look.style + " k"}, {"stroke", look.colour},
                           {"stroke-width", "2"},        {"fill", "none"},
                           {"stroke-linejoin", "round"}, {"d", data}};
  if (is_dashed && !look.dashes.empty()) attributes.emplace_back("stroke-dasharray", look.dashes);
  return single("path", attributes);
}

Plot::Plot(const Axis& x_axis, Scale x_scale, const Axis& y_axis, Scale y_scale, const std::vector<std::string>& names,
           const std::vector<std::string>& categories)
    : x(x_scale), y(y_scale) {
  top_ = 8;
  if (names.size() > 1) draw_legend(names);
  if (!y_axis.label.empty()) {
    add(svg_text(0, top_ + kFontSize, shortened(y_axis.label, 70), "start", {{"fill-opacity", "0.75"}}));
    top_ += kFontSize + 10;
  }
  y.begin = top_ + kPlotHeight;
  y.end = top_ + 4;
  double left = 0;
  for (const auto& tick : ticks_of(y, 5)) left = std::max(left, text_width(tick.label));
  x.begin = left + 8;
  x.end = kChartWidth - kRightMargin;
  draw_y(y_axis);
  if (categories.empty()) {
    draw_x(x_axis);
  } else {
    draw_categories(x_axis, categories);
  }
}

void Plot::draw_legend(const std::vector<std::string>& names) {
  double left = 0;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto name = shortened(names[i], 44);
    const double width = kLegendMark + text_width(name) + 16;
    if (left > 0 && left + width > kChartWidth) left = 0, top_ += kLegendRow;
    const double middle = top_ + kFontSize / 2;
    add(svg_path(concat("M", place(left), " ", place(middle), "H", place(left + 20)), i) +
        marker(i, left + 10, middle));
    add(svg_text(left + kLegendMark, top_ + kFontSize - 2, name, "start"));
    left += width;
  }
  top_ += kLegendRow + 4;
}

void Plot::draw_y(const Axis&) {
  for (const auto& tick : ticks_of(y, 5)) {
    const double at = y.at(tick.value);
    const bool is_zero = tick.value == 0 && !y.is_log;
    add(svg_line(x.begin, at, x.end, at, {{"stroke-opacity", is_zero ? "0.6" : "0.15"}}));
    add(svg_text(x.begin - 6, at + 4, tick.label, "end"));
  }
}

void Plot::draw_x(const Axis& axis) {
  add(svg_line(x.begin, y.begin, x.end, y.begin, {{"stroke-opacity", "0.6"}}));
  double free_from = 0;  // labels do not touch
  for (const auto& tick : ticks_of(x, 6)) {
    const double at = x.at(tick.value), half = text_width(tick.label) / 2;
    add(svg_line(at, y.begin, at, y.begin + 4, {{"stroke-opacity", "0.6"}}));
    if (at - half < free_from) continue;
    const bool is_at_edge = at + half > kChartWidth;
    add(svg_text(is_at_edge ? kChartWidth : at, y.begin + 18, tick.label, is_at_edge ? "end" : "middle"));
    free_from = at + half + 6;
  }
  height_ = y.begin + 24;
  if (axis.label.empty()) return;
  add(svg_text((x.begin + x.end) / 2, y.begin + 36, shortened(axis.label, 70), "middle", {{"fill-opacity", "0.75"}}));
  height_ = y.begin + 44;
}

void Plot::draw_categories(const Axis& axis, const std::vector<std::string>& categories) {
  add(svg_line(x.begin, y.begin, x.end, y.begin, {{"stroke-opacity", "0.6"}}));
  const double width = (x.end - x.begin) / static_cast<double>(categories.size());
  const auto room = static_cast<std::size_t>(std::max(1.0, width / (0.56 * kFontSize) - 0.5));
  for (std::size_t i = 0; i < categories.size(); ++i)
    add(svg_text(x.begin + (static_cast<double>(i) + 0.5) * width, y.begin + 18, shortened(categories[i], room),
                 "middle"));
  height_ = y.begin + 24;
  if (axis.label.empty()) return;
  add(svg_text((x.begin + x.end) / 2, y.begin + 36, shortened(axis.label, 70), "middle", {{"fill-opacity", "0.75"}}));
  height_ = y.begin + 44;
}

Markup figure(const std::string& title, const std::string& description, double width, double height,
              const Markup& shapes, const Table& data) {
  const auto id = sha256(concat(title, "\n", description, "\n", shapes.text())).substr(0, 10);
  const auto svg =
      element("svg",
              {{"viewBox", concat("0 0 ", place(width), " ", place(height))},
               {"width", place(width)},
               {"height", place(height)},
               {"role", "img"},
               {"aria-labelledby", concat("t", id, " d", id)},
               {"font-size", concat(kFontSize)},
               {"font-family", "sans-serif"}},
              element("title", {{"id", "t" + id}}, title) + element("desc", {{"id", "d" + id}}, description) + shapes);
  return element("figure", element("figcaption", element("strong", title) + " " + description) + svg +
                               details("Data", table(data))) +
         Markup::trusted("\n");
}

}  // namespace glint::html
