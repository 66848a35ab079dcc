// COMMAND: the command table, for clients.
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/text.h"
#include "engine/commands/dispatch/command_lookup.h"
#include "engine/commands/dispatch/command_table.h"
#include "engine/commands/dispatch/context.h"
#include "engine/commands/dispatch/executor_state.h"
#include "engine/commands/dispatch/handlers.h"

namespace engine::commands {
namespace {

// In Redis's order; kArbitraryKeys is our own.
constexpr std::pair<std::uint32_t, std::string_view> kFlagNames[] = {
    {kWrite, "write"},
    {kReadOnly, "readonly"},
    {kDenyOom, "denyoom"},
    {kAdmin, "admin"},
    {kPubSub, "pubsub"},
    {kNoScript, "noscript"},
    {kBlocking, "blocking"},
    {kLoading, "loading"},
    {kStale, "stale"},
    {kSkipMonitor, "skip_monitor"},
    {kSkipSlowlog, "skip_slowlog"},
    {kFast, "fast"},
    {kNoAuth, "no_auth"},
    {kNoAsyncLoading, "no_async_loading"},
    {kNoMulti, "no_multi"},
    {kMovableKeys, "movablekeys"},
    {kAllowBusy, "allow_busy"},
};

// The categories of ACLs, in the order in which Redis lists them.
constexpr std::string_view kCategories[] = {
    "@keyspace", "@read",     "@write",       "@set",        "@sortedset",  "@list",  "@hash",
    "@string",   "@bitmap",   "@hyperloglog", "@geo",        "@pubsub",     "@admin", "@fast",
    "@slow",     "@blocking", "@dangerous",   "@connection", "@transaction"};

struct GroupNames {
  std::string_view group;     // in COMMAND DOCS
  std::string_view category;  // of ACLs; empty: none
};

GroupNames names_of(Group group) {
  switch (group) {
    case Group::kString:
      return {"string", "@string"};
    case Group::kBitmap:
      return {"bitmap", "@bitmap"};
    case Group::kList:
      return {"list", "@list"};
    case Group::kSet:
      return {"set", "@set"};
    case Group::kHash:
      return {"hash", "@hash"};
    case Group::kSortedSet:
      return {"sorted-set", "@sortedset"};
    case Group::kHyperLogLog:
      return {"hyperloglog", "@hyperloglog"};
    case Group::kGeo:
      return {"geo", "@geo"};
    case Group::kGeneric:
      return {"generic", "@keyspace"};
    case Group::kTransactions:
      return {"transactions", "@transaction"};
    case Group::kConnection:
      return {"connection", "@connection"};
    case Group::kPubSub:
      return {"pubsub", ""};
    case Group::kServer:
      return {"server", ""};
  }
  return {};
}

// Categories that do not follow from group and flags: added, or with "-" removed.
struct Exception {
  std::string_view command;
  std::string_view categories;
};
constexpr Exception kExceptions[] = {
    {"CLIENT", "-@connection"},
    {"COMMAND", "@connection"},
    {"COMMAND|COUNT", "@connection"},
    {"COMMAND|DOCS", "@connection"},
    {"COMMAND|GETKEYS", "@connection"},
    {"COMMAND|HELP", "@connection"},
    {"COMMAND|INFO", "@connection"},
    {"COMMAND|LIST", "@connection"},
    {"DBSIZE", "@keyspace"},
    {"FLUSHALL", "@keyspace @dangerous"},
    {"FLUSHDB", "@keyspace @dangerous"},
    {"INFO", "@dangerous"},
    {"KEYS", "@dangerous"},
    {"LASTSAVE", "@admin @dangerous"},
    {"OBJECT", "-@keyspace"},
    {"RESTORE", "@dangerous"},
    {"ROLE", "@admin @dangerous"},
    {"SORT", "-@keyspace @set @sortedset @list @dangerous"},
    {"SORT_RO", "-@keyspace @set @sortedset @list @dangerous"},
    {"SWAPDB", "@keyspace @dangerous"},
};

void reply_strings(Context& c, const std::vector<std::string_view>& names) {
  c.reply.set(names.size());
  for (const std::string_view name : names) {
    c.reply.simple(name);
  }
}

std::vector<std::string_view> flag_names(const CommandSpec& spec) {
  std::vector<std::string_view> names;
  for (const auto& [flag, name] : kFlagNames) {
    if (spec.has(flag)) {
      names.push_back(name);
    }
  }
  return names;
}

std::vector<std::string_view> categories(const CommandSpec& spec) {
  std::string words = " " + std::string(names_of(spec.group).category);
  constexpr std::pair<std::uint32_t, std::string_view> kOfFlags[] = {
      {kWrite, " @write"},   {kReadOnly, " @read"},     {kAdmin, " @admin @dangerous"},
      {kPubSub, " @pubsub"}, {kBlocking, " @blocking"},
  };
  for (const auto& [flag, category] : kOfFlags) {
    words += spec.has(flag) ? category : "";
  }
  words += spec.has(kFast) ? " @fast" : " @slow";
  for (const Exception& exception : kExceptions) {
    if (exception.command == spec.name) {
      words += " " + std::string(exception.categories);
    }
  }
  words += " ";
  std::vector<std::string_view> names;
  for (const std::string_view category : kCategories) {
    const std::string name(category);
    if (words.find(" " + name + " ") != std::string::npos &&
        words.find(" -" + name + " ") == std::string::npos) {
      names.push_back(category);
    }
  }
  return names;
}

// One key specification: where the keys begin, and how far they go.
void reply_key_spec(Context& c, const CommandSpec& spec, bool counted) {
  const KeyPositions& keys = spec.keys;
  c.reply.map(3);
  c.reply.bulk("flags");
  reply_strings(c, {spec.has(kWrite) ? "RW" : "RO"});
  c.reply.bulk("begin_search");
  c.reply.map(2);
  c.reply.bulk("type");
  c.reply.bulk("index");
  c.reply.bulk("spec");
  c.reply.map(1);
  c.reply.bulk("index");
  c.reply.integer(counted ? keys.count_at : keys.first);
  c.reply.bulk("find_keys");
  c.reply.map(2);
  c.reply.bulk("type");
  const auto number = [&c](std::string_view name, std::int64_t value) {
    c.reply.bulk(name);
    c.reply.integer(value);
  };
  c.reply.bulk(counted ? "keynum" : "range");
  c.reply.bulk("spec");
  c.reply.map(3);
  if (counted) {
    number("keynumidx", 0);
    number("firstkey", 1);
    number("keystep", 1);
  } else {
    number("lastkey", keys.last < 0 ? keys.last : keys.last - keys.first);
    number("keystep", keys.step);
    number("limit", 0);
  }
}

void reply_info(Context& c, const CommandSpec& spec) {
  const bool has_range = spec.keys.first > 0;
  const bool is_counted = spec.keys.count_at > 0;
  c.reply.array(10);
  c.reply.bulk(full_name(spec));
  c.reply.integer(spec.arity);
  reply_strings(c, flag_names(spec));
  c.reply.integer(spec.keys.first);
  c.reply.integer(spec.keys.last);
  c.reply.integer(spec.keys.step);
  reply_strings(c, categories(spec));
  c.reply.set(0);  // tips
  c.reply.set((has_range ? 1u : 0u) + (is_counted ? 1u : 0u));
  if (has_range) {
    reply_key_spec(c, spec, false);
  }
  if (is_counted) {
    reply_key_spec(c, spec, true);
  }
  const auto subcommands = subcommands_of(spec);
  c.reply.set(subcommands.size());
  for (const CommandSpec& subcommand : subcommands) {
    reply_info(c, subcommand);
  }
}

void reply_docs(Context& c, const CommandSpec& spec) {
  const auto subcommands = subcommands_of(spec);
  const auto text = [&c](std::string_view name, std::string_view value) {
    c.reply.bulk(name);
    c.reply.bulk(value);
  };
  c.reply.bulk(full_name(spec));
  c.reply.map(subcommands.empty() ? 3 : 4);
  text("summary", spec.summary);
  text("since", spec.since);
  text("group", names_of(spec.group).group);
  if (!subcommands.empty()) {
    c.reply.bulk("subcommands");
    c.reply.map(subcommands.size());
    for (const CommandSpec& subcommand : subcommands) {
      reply_docs(c, subcommand);
    }
  }
}

}  // namespace

void command_command(Context& c) {
  const auto commands = c.state.names.top_level();
  c.reply.array(commands.size());
  for (const CommandSpec* spec : commands) {
    reply_info(c, *spec);
  }
}

void command_count_command(Context& c) {
  c.reply.integer(static_cast<std::int64_t>(c.state.names.top_level().size()));
}

void command_info_command(Context& c) {
  if (c.argv.size() == 2) {
    return command_command(c);
  }
  c.reply.array(c.argv.size() - 2);
  for (const std::string_view name : c.argv.subspan(2)) {
    if (const CommandSpec* spec = c.state.names.find_by_full_name(name)) {
      reply_info(c, *spec);
    } else {
      c.reply.null_array();
    }
  }
}

void command_docs_command(Context& c) {
  std::vector<const CommandSpec*> specs;
  if (c.argv.size() == 2) {
    specs = c.state.names.top_level();
  }
  for (const std::string_view name : c.argv.subspan(2)) {
    if (const CommandSpec* spec = c.state.names.find_by_full_name(name)) {
      specs.push_back(spec);
    }
  }
  c.reply.map(specs.size());
  for (const CommandSpec* spec : specs) {
    reply_docs(c, *spec);
  }
}

void command_list_command(Context& c) {
  if (c.argv.size() != 2 && !(c.argv.size() == 5 && c.is_word(2, "FILTERBY"))) {
    return c.error(errors::kSyntax);
  }
  std::vector<const CommandSpec*> listed;
  for (const CommandSpec* parent : c.state.names.top_level()) {
    listed.push_back(parent);
    for (const CommandSpec& subcommand : subcommands_of(*parent)) {
      listed.push_back(&subcommand);
    }
  }
  if (c.argv.size() == 5) {
    const std::string_view wanted = c.argv[4];
    if (c.is_word(3, "PATTERN")) {
      std::erase_if(listed, [wanted](const CommandSpec* spec) {
        return !glob_match(wanted, spec->name, true);
      });
    } else if (c.is_word(3, "ACLCAT")) {
      std::erase_if(listed, [wanted](const CommandSpec* spec) {
        for (const std::string_view category : categories(*spec)) {
          if (equals_ignoring_case(category.substr(1), wanted)) {
            return false;
          }
        }
        return true;
      });
    } else if (c.is_word(3, "MODULE")) {
      listed.clear();
    } else {
      return c.error(errors::kSyntax);
    }
  }
  c.reply.array(listed.size());
  for (const CommandSpec* spec : listed) {
    c.reply.bulk(full_name(*spec));
  }
}

void command_getkeys_command(Context& c) {
  const auto argv = c.argv.subspan(2);
  const CommandSpec* spec = c.state.names.find(argv[0]);
  if (spec != nullptr && argv.size() > 1) {
    if (const CommandSpec* subcommand = find_subcommand(*spec, argv[1])) {
      spec = subcommand;
    }
  }
  if (spec == nullptr) {
    return c.error("ERR Invalid command specified");
  }
  if (spec->keys.first == 0 && spec->keys.count_at == 0) {
    return c.error("ERR The command has no key arguments");
  }
  if (!has_arguments_for(*spec, argv.size())) {
    return c.error("ERR Invalid number of arguments specified for command");
  }
  const std::vector<std::size_t> positions = key_positions(*spec, argv);
  if (positions.empty()) {
    return c.error("ERR Invalid arguments specified for command");
  }
  c.reply.array(positions.size());
  for (const std::size_t position : positions) {
    c.reply.bulk(argv[position]);
  }
}

}  // namespace engine::commands
