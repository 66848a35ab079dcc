// LATENCY: which operations took long, and how the durations of each command are distributed.
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/latency_monitor.h"
#include "engine/base/text.h"
#include "engine/commands/control/help.h"
#include "engine/commands/dispatch/command_lookup.h"
#include "engine/commands/dispatch/command_table.h"
#include "engine/commands/dispatch/context.h"
#include "engine/commands/dispatch/executor_state.h"
#include "engine/commands/dispatch/handlers.h"

namespace engine::commands {
namespace {

// Those of a command and its subcommands that have been called.
void add_called(const Context& c, const CommandSpec& spec, std::vector<const CommandSpec*>& to) {
  if (c.state.statistics.latencies[index_of(spec)]) {
    to.push_back(&spec);
  }
  for (const CommandSpec& subcommand : subcommands_of(spec)) {
    add_called(c, subcommand, to);
  }
}

}  // namespace

void latency_histogram_command(Context& c) {
  std::vector<const CommandSpec*> shown;
  if (c.argv.size() == 2) {
    for (const CommandSpec* spec : c.state.names.top_level()) {
      add_called(c, *spec, shown);
    }
  }
  for (const std::string_view name : c.argv.subspan(2)) {
    if (const CommandSpec* spec = c.state.names.find_by_full_name(name)) {
      add_called(c, *spec, shown);
    }
  }
  c.reply.map(shown.size());
  for (const CommandSpec* spec : shown) {
    const LatencyHistogram& histogram = *c.state.statistics.latencies[index_of(*spec)];
    const auto rows = histogram.cumulative();
    c.reply.bulk(full_name(*spec));
    c.reply.map(2);
    c.reply.bulk("calls");
    c.reply.integer(static_cast<std::int64_t>(histogram.count()));
    c.reply.bulk("histogram_usec");
    c.reply.map(rows.size());
    for (const auto& [us, calls] : rows) {
      c.reply.integer(static_cast<std::int64_t>(us));
      c.reply.integer(static_cast<std::int64_t>(calls));
    }
  }
}

void latency_history_command(Context& c) {
  const auto& events = c.state.latency.events();
  const auto event = events.find(c.argv[2]);
  if (event == events.end()) {
    return c.reply.array(0);
  }
  c.reply.array(event->second.samples.size());
  for (const LatencyMonitor::Sample& sample : event->second.samples) {
    c.reply.array(2);
    c.reply.integer(sample.time_s);
    c.reply.integer(sample.latency_ms);
  }
}

void latency_latest_command(Context& c) {
  const auto& events = c.state.latency.events();
  c.reply.array(events.size());
  for (const auto& [name, event] : events) {
    c.reply.array(4);
    c.reply.bulk(name);
    c.reply.integer(event.samples.back().time_s);
    c.reply.integer(event.samples.back().latency_ms);
    c.reply.integer(event.latency_ms_max);
  }
}

void latency_reset_command(Context& c) {
  c.reply.integer(static_cast<std::int64_t>(c.state.latency.reset(c.argv.subspan(2))));
}

void latency_help_command(Context& c) {
  static constexpr std::string_view kLines[] = {
      "HISTORY <event>",
      "    Return time-latency samples for the <event> class.",
      "LATEST",
      "    Return the latest latency samples for all events.",
      "RESET [<event> ...]",
      "    Reset latency data of one or more <event> classes.",
      "    (default: reset all data for all event classes)",
      "HISTOGRAM [COMMAND ...]",
      ("    Return a cumulative distribution of latencies in the format of a histogram for the "
       "specified command names."),
      "    If no commands are specified then all histograms are replied."};
  reply_help(c, kLines);
}

}  // namespace engine::commands
