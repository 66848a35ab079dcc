#include "harness/scenario/load/doubts.h"

#include <fmt/format.h>

#include <algorithm>
#include <variant>

#include "harness/base/glob.h"
#include "harness/base/text.h"
#include "harness/oracle/resp/judge.h"

namespace crashpoint::scenario {
namespace {

std::string directive(const Case& known, const std::string& name, const std::string& otherwise) {
  return oracle::directive_value(known.target.config, name, otherwise);
}

// Whether the workload sends an admin command whose first word is one of `words`.
bool sends_admin(const Case& known, std::initializer_list<const char*> words) {
  return std::any_of(
      known.workload.steps.begin(), known.workload.steps.end(), [&](const workload::Step& step) {
        const auto* admin = std::get_if<workload::Admin>(&step.action);
        return admin != nullptr &&
               std::find(words.begin(), words.end(), lower_case(admin->command[0])) != words.end();
      });
}

bool changes_config(const Case& known) {
  return sends_admin(known, {"config"});
}

// The names that the server gives to its AOF files and its snapshot files.
std::vector<std::string> aof_files(const Case& known) {
  const std::string folder = directive(known, "appenddirname", "appendonlydir") + "/";
  const std::string name = directive(known, "appendfilename", "appendonly.aof");
  return {folder + name + ".1.incr.aof",      folder + name + ".1.base.rdb",
          folder + name + ".2.incr.aof",      folder + name + ".2.base.aof",
          folder + name + ".manifest",        folder + "temp-" + name + ".manifest",
          folder + "temp-rewriteaof-bg-1.aof"};
}

std::vector<std::string> snapshot_files(const Case& known) {
  return {directive(known, "dbfilename", "dump.rdb"), "temp-1.rdb"};
}

bool matches_any(const std::string& glob, const std::vector<std::string>& files) {
  return std::any_of(files.begin(), files.end(),
                     [&](const std::string& file) { return glob_match(glob, file); });
}

bool is_redis_like(const Case& known) {
  return known.target.use != "command";
}

void doubt_path(const Node& path, const Case& known) {
  const bool aof = matches_any(path.text(), aof_files(known));
  const bool snapshot = matches_any(path.text(), snapshot_files(known));
  const bool has_aof = lower_case(directive(known, "appendonly", "no")) == "yes";
  if (aof && !snapshot && !has_aof && !changes_config(known)) {
    path.warning(
        fmt::format("\"{}\" names AOF files, but \"appendonly\" is not \"yes\", so the target "
                    "writes none",
                    path.text()));
  }
  const bool saves = !directive(known, "save", "rules by default").empty() ||
                     sends_admin(known, {"save", "bgsave", "shutdown", "debug"});
  if (snapshot && !aof && !saves && !changes_config(known)) {
    path.warning(
        fmt::format("\"{}\" names snapshot files, but \"save\" is empty and the workload sends no "
                    "SAVE or BGSAVE, so the target writes none",
                    path.text()));
  }
}

void doubt_fault_paths(const std::optional<Node>& faults, const Case& known) {
  if (!faults.has_value()) {
    return;
  }
  for (const Node& fault : faults->items()) {
    const auto at = fault.find("at");
    const auto path = at.has_value() ? at->find("path") : std::nullopt;
    if (path.has_value()) {
      doubt_path(*path, known);
    }
  }
}

void doubt_faults(const Node& root, const Case& known) {
  if (!is_redis_like(known)) {
    return;
  }
  doubt_fault_paths(root.find("faults"), known);
  if (const auto recovery = root.find("recovery")) {
    doubt_fault_paths(recovery->find("faults"), known);
  }
}

// The number of commands that the workload sends, if it is known before the run.
std::optional<std::uint64_t> command_count(const Case& known) {
  std::uint64_t count = 0;
  for (const workload::Step& step : known.workload.steps) {
    if (const auto* commands = std::get_if<workload::Commands>(&step.action)) {
      count += commands->commands.size();
    } else if (std::holds_alternative<workload::Admin>(step.action)) {
      ++count;
    } else if (std::holds_alternative<workload::Generate>(step.action)) {
      return std::nullopt;  // a transaction counts as several
    }
  }
  return count;
}

void doubt_moments(const Node& root, const Case& known) {
  const std::optional<std::uint64_t> count = command_count(known);
  const auto faults = root.find("faults");
  if (!faults.has_value() || !count.has_value()) {
    return;
  }
  for (const Node& fault : faults->items()) {
    const auto at = fault.find("at");
    const auto moment = at.has_value() ? at->find("after_acked") : std::nullopt;
    if (moment.has_value() && moment->as<std::uint64_t>() > *count) {
      moment->warning(fmt::format("{} commands are never acknowledged: the workload sends {}",
                                  with_commas(moment->as<std::uint64_t>()), with_commas(*count)));
    }
  }
}

bool is_written(const Case& known, const std::string& key) {
  return std::any_of(
      known.workload.steps.begin(), known.workload.steps.end(), [&](const workload::Step& step) {
        const auto* commands = std::get_if<workload::Commands>(&step.action);
        return commands == nullptr
                   ? std::holds_alternative<workload::Generate>(step.action)
                   : std::any_of(commands->commands.begin(), commands->commands.end(),
                                 [&](const workload::Arguments& command) {
                                   return std::find(command.begin() + 1, command.end(), key) !=
                                          command.end();
                                 });
      });
}

void doubt_expectations(const Node& root, const Case& known) {
  const auto oracle = root.find("oracle");
  const auto expect = oracle.has_value() ? oracle->find("expect") : std::nullopt;
  if (!expect.has_value() || !known.files.empty()) {
    return;
  }
  const std::vector<Node> databases =
      expect->json().is_array() ? expect->items() : std::vector<Node>{*expect};
  for (const Node& database : databases) {
    const auto keys = database.find("keys");
    if (!keys.has_value()) {
      continue;
    }
    for (const auto& [key, value] : keys->members()) {
      if (!is_written(known, key)) {
        value.warning(fmt::format("no command of the workload uses the key \"{}\"", shorten(key)));
      }
    }
  }
}

// How much a guarantee demands; equal for guarantees that cannot be compared.
int strength(const oracle::Guarantee& guarantee) {
  using Kind = oracle::Guarantee::Kind;
  switch (guarantee.kind) {
    case Kind::kNone:
      return 0;
    case Kind::kPrefix:
      return 1;
    case Kind::kSnapshot:
    case Kind::kBuffered:
      return 2;
    case Kind::kDurable:
      return 3;
  }
  return 0;
}

bool asks_for_more(const oracle::Guarantee& asked, const oracle::Guarantee& promised) {
  const bool both_buffered = asked.kind == oracle::Guarantee::Kind::kBuffered &&
                             promised.kind == oracle::Guarantee::Kind::kBuffered;
  return both_buffered ? asked.seconds < promised.seconds : strength(asked) > strength(promised);
}

void doubt_guarantee(const Node& root, const Case& known) {
  if (!is_redis_like(known) || !known.oracle.guarantee.has_value() || !known.oracle.starts ||
      changes_config(known) || sends_admin(known, {"shutdown"})) {  // a clean shutdown syncs
    return;
  }
  const oracle::EverysecLoss everysec =
      known.target.use == "engine" ? oracle::kEngineEverysecLoss : oracle::kRedisEverysecLoss;
  const std::vector<oracle::CrashKind> kinds =
      known.crash.explore.has_value() ? known.crash.explore->kinds
                                      : std::vector<oracle::CrashKind>{known.crash.kind};
  for (const oracle::CrashKind kind : kinds) {
    const oracle::DerivedGuarantee promise =
        oracle::derive_guarantee(known.target.config, kind, everysec);
    if (asks_for_more(*known.oracle.guarantee, promise.guarantee)) {
      root.at("oracle")
          .at("guarantee")
          .warning(fmt::format("the target does not promise this: {}", promise.reason));
      return;
    }
  }
}

// A command that the oracle does not model makes the guarantee inconclusive.
void doubt_commands(const Node& root, const Case& known) {
  const auto& guarantee = known.oracle.guarantee;
  const bool is_judged =
      known.oracle.starts && (!guarantee || guarantee->kind != oracle::Guarantee::Kind::kNone);
  const auto workload = root.find("workload");
  if (!workload.has_value() || !is_judged) {
    return;
  }
  const auto doubt = [](const Node& node, const workload::Arguments& command) {
    if (!oracle::has_model(command)) {
      node.warning(fmt::format(
          "the oracle has no model of {}: if it succeeds, the guarantee cannot be judged",
          shorten(command.front())));
    }
  };
  const std::vector<Node> nodes = workload->items();
  for (std::size_t at = 0; at < nodes.size(); ++at) {
    const auto& action = known.workload.steps[at].action;
    if (const auto* admin = std::get_if<workload::Admin>(&action)) {
      doubt(nodes[at].at("admin"), admin->command);
    } else if (const auto* commands = std::get_if<workload::Commands>(&action)) {
      const std::vector<Node> items = nodes[at].at("commands").items();
      for (std::size_t command = 0; command < items.size(); ++command) {
        doubt(items[command], commands->commands[command]);
      }
    }
  }
}

// After damage, no target can keep what its configuration promises, unless it does not need the file.
void doubt_damage(const Node& root, const Case& known) {
  if (known.oracle.starts && !known.damage.empty() && !known.oracle.guarantee.has_value()) {
    root.at("damage").warning(
        "\"guarantee\" is missing, so the default applies: what the configuration promises without "
        "damage; set what must hold, such as \"prefix\" or \"none\"");
  }
}

void doubt_refusal(const Node& root, const Case& known) {
  if (known.oracle.starts) {
    return;
  }
  const Node oracle = root.at("oracle");
  for (const char* key :
       {"guarantee", "expect", "info", "continues", "then", "usable", "also_loads_in"}) {
    if (const auto found = oracle.find(key)) {
      found->warning(
          fmt::format("\"{}\" is ignored: a target that refuses to start serves no data", key));
    }
  }
}

}  // namespace

void add_doubts(const Node& root, const Case& known) {
  if (known.program) {
    return;  // all of them are about servers
  }
  doubt_faults(root, known);
  doubt_moments(root, known);
  doubt_expectations(root, known);
  doubt_guarantee(root, known);
  doubt_commands(root, known);
  doubt_damage(root, known);
  doubt_refusal(root, known);
}

}  // namespace crashpoint::scenario
