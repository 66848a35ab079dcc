#include "harness/oracle/derive_guarantee.h"

#include <fmt/format.h>

#include <algorithm>

namespace crashpoint::oracle {
namespace {

using Config = std::map<std::string, std::vector<std::string>>;

// Without a "save" line Redis saves by its default rules; `save ""` takes every rule away.
bool has_save_rules(const Config& config) {
  const auto found = config.find("save");
  if (found == config.end() || found->second.empty()) {
    return true;
  }
  const std::string& last = found->second.back();
  return !last.empty() && last != "\"\"" && last != "''";
}

}  // namespace

std::string directive_value(const Config& config, const std::string& directive,
                            const std::string& otherwise) {
  const auto found = config.find(directive);
  return found == config.end() || found->second.empty() ? otherwise : found->second.back();
}

bool may_evict(const Config& config) {
  return directive_value(config, "maxmemory", "0") != "0" &&
         directive_value(config, "maxmemory-policy", "noeviction") != "noeviction";
}

DerivedGuarantee derive_guarantee(const Config& config, CrashKind crash, EverysecLoss everysec) {
  if (may_evict(config)) {
    return {.guarantee = {.kind = Guarantee::Kind::kNone},
            .reason = fmt::format("maxmemory-policy {}: the target may drop keys at any time",
                                  directive_value(config, "maxmemory-policy", ""))};
  }
  const bool kill = crash == CrashKind::kProcessKill;
  const std::string kind = kill ? "process kill" : "power loss";
  if (directive_value(config, "appendonly", "no") != "yes") {
    const bool rules = has_save_rules(config);
    return {.guarantee = {.kind = Guarantee::Kind::kSnapshot, .unlisted_snapshots = rules},
            .reason = fmt::format("appendonly no, {}: what the last snapshot holds survives{}",
                                  kind, rules ? "; save rules may take one at any time" : "")};
  }
  const std::string fsync = directive_value(config, "appendfsync", "everysec");
  const std::string with = fmt::format("appendonly yes, appendfsync {}, {}", fsync, kind);
  if (kill && fsync == "everysec" && everysec.process_kill > 0) {
    return {
        .guarantee = {.kind = Guarantee::Kind::kBuffered, .seconds = everysec.process_kill},
        .reason = fmt::format("{}: a command is written to the file before its reply is sent, or "
                              "within {} s while an fsync is running",
                              with, everysec.process_kill)};
  }
  if (kill) {
    return {.guarantee = {.kind = Guarantee::Kind::kDurable},
            .reason = with + ": a command is written to the file before its reply is sent"};
  }
  // With this on, nothing is synced while a child is at work, whatever appendfsync says.
  if (directive_value(config, "no-appendfsync-on-rewrite", "no") == "yes" && fsync != "no") {
    return {
        .guarantee = {.kind = Guarantee::Kind::kPrefix},
        .reason =
            with + ", no-appendfsync-on-rewrite yes: nothing is synced while a child is at work"};
  }
  if (fsync == "always") {
    return {.guarantee = {.kind = Guarantee::Kind::kDurable},
            .reason = with + ": a command is synced before its reply is sent"};
  }
  if (fsync == "everysec") {
    return {
        .guarantee = {.kind = Guarantee::Kind::kBuffered, .seconds = everysec.power_loss},
        .reason = fmt::format("{}: the file is synced once a second, and the target may lose {} s",
                              with, everysec.power_loss)};
  }
  return {.guarantee = {.kind = Guarantee::Kind::kPrefix},
          .reason = with + ": when the file is synced is the kernel's choice"};
}

}  // namespace crashpoint::oracle
