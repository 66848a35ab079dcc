#include <fmt/format.h>

#include <string>
#include <utility>

#include "harness/base/random.h"
#include "harness/base/text.h"
#include "harness/scenario/parse/parse.h"

namespace crashpoint::scenario {
namespace {

oracle::Guarantee parse_guarantee(const Node& node, const Target& target) {
  using Kind = oracle::Guarantee::Kind;
  oracle::Guarantee guarantee;
  if (!node.is_text()) {
    guarantee.kind = Kind::kBuffered;
    node.at("buffered").read("seconds", guarantee.seconds);
    return guarantee;
  }
  const std::string name = node.text();
  guarantee.kind = name == "durable"    ? Kind::kDurable
                   : name == "prefix"   ? Kind::kPrefix
                   : name == "snapshot" ? Kind::kSnapshot
                                        : Kind::kNone;
  if (guarantee.kind == Kind::kSnapshot) {
    // Redis has save rules by default.
    const auto rules = target.config.find("save");
    guarantee.unlisted_snapshots =
        rules == target.config.end() || rules->second != std::vector<std::string>{""};
  }
  return guarantee;
}

target::Value parse_value(const Node& node) {
  const auto is = [&](const char* type) {
    return node.json().is_object() && node.json().contains(type);
  };
  if (is("list")) {
    target::List elements;
    for (const Node& item : node.at("list").items()) {
      elements.push_back(parse_bytes(item));
    }
    return elements;
  }
  if (is("set")) {
    target::Set members;
    for (const Node& item : node.at("set").items()) {
      if (!members.insert(parse_bytes(item)).second) {
        item.problem("duplicate member of the set");
      }
    }
    return members;
  }
  if (is("hash")) {
    target::Hash fields;
    for (const auto& [field, value] : node.at("hash").members()) {
      fields[field] = parse_bytes(value);
    }
    return fields;
  }
  if (is("zset")) {
    target::SortedSet members;
    for (const auto& [member, score] : node.at("zset").members()) {
      members[member] = score.as<double>();
    }
    return members;
  }
  return parse_bytes(node);
}

oracle::ExpectedTtl parse_ttl(const Node& node) {
  oracle::ExpectedTtl ttl;
  if (node.is_text()) {
    ttl.none = node.text() == "none";
    return ttl;
  }
  node.read("min_ms", ttl.min_ms);
  node.read("max_ms", ttl.max_ms);
  if (ttl.min_ms > ttl.max_ms && ttl.max_ms.has_value()) {
    node.problem(fmt::format("min_ms {} is greater than max_ms {}", *ttl.min_ms, *ttl.max_ms));
  }
  return ttl;
}

void parse_expect(const Node& node, oracle::Expectations& out) {
  std::uint32_t database = 0;
  node.read("database", database);
  if (const auto keys = node.find("keys")) {
    for (const auto& [key, value] : keys->members()) {
      out.values[{database, key}] = parse_value(value);
    }
  }
  if (const auto types = node.find("types")) {
    for (const auto& [key, type] : types->members()) {
      out.types[{database, key}] = type.text();
    }
  }
  if (const auto absent = node.find("absent")) {
    for (const Node& key : absent->items()) {
      const std::string name = parse_bytes(key);
      if (out.values.contains({database, name})) {
        key.problem(fmt::format("\"{}\" is also under \"keys\"", shorten(name)));
      }
      out.absent.push_back({database, name});
    }
  }
  if (const auto ttls = node.find("ttl")) {
    for (const auto& [key, ttl] : ttls->members()) {
      out.ttls[{database, key}] = parse_ttl(ttl);
    }
  }
  if (const auto dbsize = node.find("dbsize")) {
    out.dbsize[database] = dbsize->as<std::uint64_t>();
  }
}

Continues parse_continues(const Node& node) {
  if (node.is_text()) {
    return Continues::kAll;
  }
  return node.as<bool>() ? Continues::kSampled : Continues::kNone;
}

// Paths are used as they are; other patterns may match anywhere in a line.
std::vector<Pattern> parse_patterns(const Node& node, bool paths) {
  std::vector<Pattern> patterns;
  for (const bool present : {true, false}) {
    if (const auto list = node.find(present ? "present" : "absent")) {
      for (const Node& item : list->items()) {
        patterns.push_back({paths ? parse_inside_path(item) : "*" + item.text() + "*", present});
      }
    }
  }
  return patterns;
}

std::vector<InfoField> parse_info(const Node& node) {
  std::vector<InfoField> fields;
  for (const auto& [name, wanted] : node.members()) {
    InfoField field;
    field.name = name;
    if (wanted.json().is_object()) {
      wanted.read("min", field.min);
      wanted.read("max", field.max);
      if (field.min > field.max && field.max.has_value()) {
        wanted.problem("min is greater than max");
      }
    } else {
      field.glob = parse_bytes(wanted);
    }
    fields.push_back(std::move(field));
  }
  return fields;
}

}  // namespace

Oracle parse_oracle(const Node& node, const Case& known) {
  Oracle oracle;
  if (const auto run = node.find("run")) {
    if (const auto log = run->find("log")) {
      oracle.run_log = parse_patterns(*log, false);
    }
    run->read("refused_max", oracle.refused_max);
    if (const auto growth = run->find("growth")) {
      growth->read("descriptors", oracle.growth.descriptors);
      growth->read("processes", oracle.growth.processes);
    }
  }
  if (const auto start = node.find("start")) {
    oracle.starts = start->text() == "succeeds";
  }
  if (const auto guarantee = node.find("guarantee")) {
    oracle.guarantee = parse_guarantee(*guarantee, known.target);
  }
  if (const auto expect = node.find("expect")) {
    if (expect->json().is_array()) {
      for (const Node& item : expect->items()) {
        parse_expect(item, oracle.expect);
      }
    } else {
      parse_expect(*expect, oracle.expect);
    }
  }
  if (const auto continues = node.find("continues")) {
    oracle.continues = parse_continues(*continues);
  }
  if (const auto rounds = node.find("then")) {
    for (const Node& round : rounds->items()) {
      oracle.then.push_back(parse_workload(round));
      oracle.then.back().seed = derive_seed(known.seed, fmt::format("then/{}", oracle.then.size()));
    }
  }
  node.read("resumes_within_ms", oracle.resumes_within_ms);
  node.read("usable", oracle.usable);
  node.read("idempotent", oracle.idempotent);
  if (const auto files = node.find("files")) {
    oracle.files = parse_patterns(*files, true);
    if (const auto counts = files->find("count")) {
      for (const auto& [glob, most] : counts->members()) {
        oracle.file_counts[glob] = most.as<std::uint64_t>();
      }
    }
    files->read("bytes_max", oracle.bytes_max);
  }
  if (const auto log = node.find("log")) {
    oracle.log = parse_patterns(*log, false);
  }
  if (const auto info = node.find("info")) {
    oracle.info = parse_info(*info);
  }
  node.read("also_loads_in", oracle.also_loads_in);
  if (const auto tools = node.find("tools")) {
    for (const Node& tool : tools->items()) {
      oracle.tools.push_back(parse_texts(tool));
    }
  }
  node.read("memory_mb_max", oracle.memory_mb_max);
  return oracle;
}

}  // namespace crashpoint::scenario
