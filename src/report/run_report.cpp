#include "glint/report/run_report.h"

#include "glint/core/error.h"
#include "report/report_facts.h"

namespace glint {
namespace {

std::string title_of(const RunReport& report) {
  std::string names;
  for (const auto& run : report.runs) names += (names.empty() ? "" : " and ") + run.name;
  return names;
}

}  // namespace

html::Page run_report_page(const RunReport& report, std::size_t queries, html::Pictures& pictures) {
  const ReportFacts facts(report);
  html::Page page;
  page.title = title_of(report);
  page.lead = lead_of(facts);
  page.sections = {{"headline", "Metrics", headline_section(facts)}};
  if (facts.has_several()) page.sections.push_back({"difference", "Difference", comparison_section(facts)});
  page.sections.push_back({"ranks", "Ranks", ranks_section(facts)});
  page.sections.push_back({"subsets", "Subsets", subsets_section(facts)});
  page.sections.push_back({"errors", "Errors taken apart", errors_section(facts)});
  page.sections.push_back({"queries", "Queries", queries_section(facts, queries, pictures)});
  page.sections.push_back({"hubs", "Hubs", hubs_section(facts, pictures)});
  page.sections.push_back({"training", "Training", training_section(facts)});
  page.sections.push_back({"cost", "Cost", cost_section(facts)});
  page.sections.push_back({"data", "Data", data_section(facts)});
  page.sections.push_back({"settings", "Settings", settings_section(facts)});
  page.foot =
      html::element("p", concat("Intervals: 95 %; Wilson's for R@k where videos have one caption, all others from ",
                                report.resampling.resamples, " resamples of the queries (seed ", report.resampling.seed,
                                "), of whole videos where they have several captions."));
  return page;
}

}  // namespace glint
