// The schema and the loader agree: the loader reads every key that the schema allows, the schema
// describes every key that the loader reads, and both have the same defaults.
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "harness/crash/profile.h"
#include "harness/scenario/json/schema_check.h"
#include "harness/scenario/json/schema_explain.h"
#include "harness/scenario/load/files_for_test.h"
#include "harness/scenario/parse/known_findings.h"
#include "harness/scenario/parse/parse.h"

namespace crashpoint::scenario {
namespace {

// Together they use every key of the language.
const char* const kEveryKey[] = {
    R"({
  "$schema": "../schema/scenario.schema.json", "version": 1, "extends": "_base.json",
  "name": "a/b", "summary": "s", "tags": ["t"], "seed": 3, "stall_ms": 100,
  "target": { "use": {"command": ["x", "{config}"], "protocol": "resp"}, "config": {"a": "1", "b": 2, "c": ["3"]},
              "arguments": ["--x"], "environment": {"A": "b"} },
  "files": { "a": "text", "b": {"hex": "00ff"}, "c": {"repeat": "x", "times": 3}, "d": {"copy": "_base.json"} },
  "workload": [
    { "commands": [["SET", "a", 1, {"hex": "00"}, {"repeat": "x", "times": 2}]], "client": 1, "pipeline": 2, "repeat": 3 },
    { "generate": {"count": 10, "clients": 2, "pipeline": 3, "keys": 4, "value_bytes": [1, 5], "database": 1,
                   "shared_keys": 1, "mix": {"SET": 1}} },
    { "generate": {"value_bytes": 7} },
    { "admin": ["BGSAVE"], "wait": "done" },
    { "pause_ms": 5 } ],
  "faults": [
    { "at": {"syscall": "write", "path": "*.aof", "role": "main", "nth": {"from": 1, "to": 5, "step": 2}, "per": "path",
             "phase": "after", "probability": 0.5, "at_offset": 7, "while": "rewrite"},
      "do": {"kill": "process", "signal": "SIGTERM"}, "may_miss": true, "fires_max": 9, "from_step": 1 },
    { "at": {"syscall": "write", "nth": 2}, "do": {"error": "EIO", "times": 2} },
    { "at": {"syscall": "write", "nth": "every"}, "do": {"short_write": 3} },
    { "at": {"syscall": "write"}, "do": {"torn_write": 3} },
    { "at": {"syscall": "write"}, "do": {"delay_ms": 3} },
    { "at": {"syscall": "write"}, "do": {"delay_ms": [3, 4]} },
    { "at": {"syscall": "write"}, "do": {"skip": true} },
    { "at": {"after_acked": 3}, "do": {"kill": "tree"} },
    { "at": {"at_ms": 3}, "do": {"kill": "tree"} },
    { "do": {"disk_bytes": 3} },
    { "do": {"libfiu": {"name": "posix/io/rw/*", "probability": 0.5, "error": "EIO"}} } ],
  "crash": { "explore": { "kinds": ["power-loss"], "profile": "xfs", "torn_writes": "byte", "samples_per_point": 3,
             "max_states": 4, "depth": 2, "prune": "equal",
             "points": {"of": "every-persistence-point", "from": 1, "to": 5, "while": "snapshot"} } },
  "recovery": { "deadline_ms": 9 },
  "oracle": {
    "guarantee": {"buffered": {"seconds": 1.5}}, "usable": false, "idempotent": false, "continues": "all", "resumes_within_ms": 5, "then": [[{"commands": [["PING"]]}]],
    "expect": [ { "database": 2, "keys": {"s": "x", "n": 1, "l": {"list": ["a"]}, "e": {"set": ["a"]},
                  "h": {"hash": {"f": "v"}}, "z": {"zset": {"m": 1.5}}, "b": {"hex": "00"},
                  "r": {"repeat": "x", "times": 2}},
                  "types": {"t": "list"}, "absent": ["x"], "dbsize": 5,
                  "ttl": {"a": "none", "b": "any", "c": {"min_ms": 1, "max_ms": 2}} } ],
    "files": {"present": ["*.aof"], "absent": ["temp-*"], "count": {"temp-*": 1}, "bytes_max": 9}, "log": {"present": ["a"], "absent": ["b"]},
    "info": {"a": "x", "b": 1, "c": {"min": 1, "max": 2}}, "also_loads_in": ["redis"],
    "tools": [["redis-check-aof", "{manifest}"]], "memory_mb_max": 100 },
  "known_findings": [ {"target": "redis", "version": "7.*", "check": "start", "cases": "*", "sometimes": true, "found": "*", "reason": "r", "reference": "u"},
    {"target": "redis", "check": "start", "cause": "*", "profiles": ["weakest"], "cases": ["*"], "reason": "r"},
    {"from": "_known.json#*", "cases": "*"} ],
  "matrix": { "/seed": {"from": 1, "to": 3, "step": 2}, "exclude": [{"/seed": 3}], "sample": 1 }
})",
    R"({ "version": 1, "summary": "s", "workload": [], "faults": [{"do": {"error": "EIO"}}],
         "matrix": {"/faults/0/at": {"each": "call", "of": ["write"], "path": "*.aof", "role": "main", "sample": 2}} })",
    R"({ "version": 1, "summary": "s", "target": {"use": "engine"}, "crash": "power-loss",
  "faults": [ { "at": {"failpoint": "aof/append/after-write"}, "do": {"trigger": true} } ],
  "oracle": { "guarantee": "snapshot", "expect": {"dbsize": 0} } })",
    R"({ "version": 1, "summary": "s", "crash": {"explore": {"points": "crash", "profile": {
      "name": "p", "base": "btrfs", "order": [{"earlier": ["names"], "later": ["names"], "of": "name"}], "tears": "blocks",
      "size_with_bytes": ["grow"], "rename_atomic": true, "auto_da_alloc": true, "fsync_keeps": "names", "failed_fsync": "size", "garbage": false}}} })",
    R"({ "version": 1, "summary": "s",
  "damage": [
    { "file": "*.aof", "truncate_tail": 3 },
    { "file": "*.aof", "truncate_tail": {"from": 1, "to": 5, "step": 2} },
    { "file": "*.aof", "truncate_tail": {"last_commands": 3} },
    { "file": "*.aof", "truncate_to": 3 },
    { "file": "*.aof", "flip_bit": {"at": -3, "bit": 7} },
    { "file": "*.aof", "flip_bit": {"random": 3, "from": 1, "to": -1} },
    { "file": "*.aof", "flip_bit": {"each_byte": true, "step": 3} },
    { "file": "*.aof", "zero_range": {"from": 1, "to": 9} },
    { "file": "*.aof", "garbage_range": {"from": -9} },
    { "file": "*.aof", "append": "x" },
    { "file": "*.aof", "append": {"hex": "00"} },
    { "file": "*.aof", "append": {"zeros": 3} },
    { "file": "*.aof", "append": {"garbage": 3} },
    { "file": "*.aof", "duplicate_tail": 3 },
    { "file": "*.aof", "swap": "dump.rdb" },
    { "file": "*.aof", "remove": true },
    { "file": "*.aof", "replace": "empty" },
    { "file": "*.aof", "replace": {"earlier_version": 1} },
    { "file": "*.aof", "chmod": "0400" } ],
  "oracle": { "start": "refuses" } })",
    R"({ "version": 1, "summary": "s",
  "target": { "use": {"program": "sh", "version": ["sh", "--version"]}, "dump": "cat f || true", "volatile": ["*.tmp"], "needs": {"sh": "dash"} },
  "setup": [": > f"], "crash": {"explore": {"kinds": ["power-loss"], "for": "9s"}},
  "workload": [ { "run": "echo ok", "acks": {"lines": "ok *", "synced": "all"}, "may_change_nothing": true, "atomic": false } ],
  "recovery": { "run": ["rm -f *.tmp"] }, "oracle": { "guarantee": "durable" } })",
    R"({ "version": 1, "summary": "s",
  "recovery": { "cycles": 2, "faults": [ { "at": {"syscall": "open"}, "do": {"kill": "tree"} } ] },
  "oracle": { "run": {"log": {"present": ["a"], "absent": ["b"]}, "refused_max": 1, "growth": {"descriptors": 1, "processes": 1}} } })",
    R"({ "version": 1, "summary": "s", "recovery": { "beside": "instance", "config": {"appendonly": "yes"} } })",
};

// Every schema of an object member, with its path ("faults[].at.nth").
using Properties = std::map<const Json*, std::string>;

void alternatives(const Json& unresolved, std::vector<const Json*>& out) {
  const Json& node = resolve(unresolved);
  out.push_back(&node);
  if (node.contains("anyOf")) {
    for (const Json& branch : node["anyOf"]) {
      alternatives(branch, out);
    }
  }
}

void collect(const Json& unresolved, const std::string& path, Properties& out) {
  std::vector<const Json*> branches;
  alternatives(unresolved, branches);
  for (const Json* branch : branches) {
    for (const char* below : {"items", "additionalProperties"}) {
      if (branch->contains(below) && (*branch)[below].is_object()) {
        collect((*branch)[below], path + (std::string(below) == "items" ? "[]" : ".*"), out);
      }
    }
    for (const char* group : {"properties", "patternProperties"}) {
      if (branch->contains(group)) {
        for (const auto& [key, property] : (*branch)[group].items()) {
          out.emplace(&property, path.empty() ? key : path + "." + key);
          collect(property, path.empty() ? key : path + "." + key, out);
        }
      }
    }
  }
}

// Removes from `unused` the properties that `value` uses.
void use(const Json& unresolved, const Json& value, Properties& unused) {
  std::vector<const Json*> branches;
  alternatives(unresolved, branches);
  for (const Json* branch : branches) {
    if (value.is_array() && branch->contains("items")) {
      for (const Json& item : value) {
        use((*branch)["items"], item, unused);
      }
    }
    const Json members = value.is_object() ? value : Json::object();
    for (const auto& [key, member] : members.items()) {
      if (branch->contains("properties") && (*branch)["properties"].contains(key)) {
        unused.erase(&(*branch)["properties"][key]);
        use((*branch)["properties"][key], member, unused);
      } else if (branch->contains("patternProperties")) {
        const Json& only = *(*branch)["patternProperties"].begin();
        unused.erase(&only);
        use(only, member, unused);
      } else if (branch->contains("additionalProperties") &&
                 (*branch)["additionalProperties"].is_object()) {
        use((*branch)["additionalProperties"], member, unused);
      }
    }
  }
}

Properties every_property() {
  Properties all;
  collect(schema(), "", all);
  return all;
}

// What one of the scenarios refers to.
void write_known(const FilesForTest& files) {
  files.write(
      "_known.json",
      R"({"target": "x", "findings": {"a": {"check": "start", "found": "*", "reason": "r"}}})");
}

// The loader itself throws std::logic_error for a key that it does not read.
TEST(Schema, EveryKeyItAllowsIsReadByTheLoader) {
  Properties unused = every_property();
  for (const char* text : kEveryKey) {
    const FilesForTest files;
    files.write("_base.json", R"({"version": 1})");
    write_known(files);
    EXPECT_EQ(files.problems_of(text), std::vector<std::string>{});
    use(schema(), Json::parse(text), unused);
  }
  for (const auto& [property, path] : unused) {
    ADD_FAILURE() << path << " is in the schema, but in none of the scenarios of this test";
  }
}

TEST(Schema, EveryKeyTheLoaderReadsIsDescribed) {
  for (const char* text : kEveryKey) {
    std::vector<Problem> problems;
    std::vector<Problem> warnings;
    const FilesForTest files;
    write_known(files);
    std::optional<Document> document = Document::parse(files.path("t.json"), text, problems);
    ASSERT_TRUE(document.has_value());
    resolve_known_findings(*document, problems);
    document->erase("matrix");
    document->erase("files");  // names a file to copy
    Reading reading{*document, problems, warnings, 1, {}};
    Case ignored;
    parse_case(Node(reading, document->json(), ""), ignored);
    // Adds the keys that the loader looked up but the file lacks: the schema must know them.
    Document probe = *document;
    for (const std::string& pointer : reading.asked) {
      const bool of_another_form = pointer.starts_with("/target/use/");
      if (!of_another_form && !probe.json().contains(Pointer(pointer)) &&
          probe.json()[Pointer(pointer).parent_pointer()].is_object()) {
        probe.assign(pointer, nullptr, {});
      }
    }
    explain(schema(), probe.json(), [&](const Mismatch& mismatch) {
      EXPECT_FALSE(mismatch.text.starts_with("unknown key")) << mismatch.pointer;
    });
  }
}

TEST(Schema, DescribesEveryKeyForEditors) {
  for (const auto& [property, path] : every_property()) {
    const bool anonymous = path.starts_with("matrix.^");
    EXPECT_TRUE(anonymous || property->contains("description") ||
                resolve(*property).contains("description"))
        << path;
  }
}

// Without bounds a number could wrap on its way into a struct.
TEST(Schema, BoundsEveryWholeNumber) {
  std::function<void(const Json&)> check = [&](const Json& node) {
    if (node.is_object() && node.value("type", Json()) == "integer") {
      EXPECT_TRUE(node.contains("minimum") && node.contains("maximum")) << node;
    }
    if (node.is_structured()) {
      for (const Json& below : node) {
        check(below);
      }
    }
  };
  check(schema());
}

TEST(Schema, KnowsTheProfilesOfTheCrashModel) {
  std::set<std::string> known;
  for (const crash::Profile& profile : crash::profiles()) {
    known.insert(profile.name);
  }
  known.erase("process-kill");  // a kind of crash, in the language
  const Json& words = schema()["definitions"]["profile_name"]["enum"];
  EXPECT_EQ(std::set<std::string>(words.begin(), words.end()), known);
}

TEST(Schema, ItsDefaultsAreThoseOfTheLoader) {
  const Case minimal = FilesForTest().load_one(R"({"version": 1, "summary": "s"})");
  const Explore explore;
  const Points points;
  const workload::Generate generate;
  const workload::Commands commands;
  const fault::Place place;
  const std::map<std::string, Json> expected = {
      {"seed", minimal.seed},
      {"stall_ms", minimal.workload.stall_ms},
      {"target.use", minimal.target.use},
      {"target.use.protocol", minimal.target.protocol},
      {"workload[].client", commands.client},
      {"workload[].pipeline", commands.pipeline},
      {"workload[].repeat", 1},
      {"workload[].wait", "none"},
      {"workload[].generate.count", generate.count},
      {"workload[].generate.clients", generate.clients},
      {"workload[].generate.pipeline", generate.pipeline},
      {"workload[].generate.keys", generate.keys},
      {"workload[].generate.value_bytes", {generate.value_bytes_min, generate.value_bytes_max}},
      {"workload[].generate.database", generate.database},
      {"workload[].generate.shared_keys", generate.shared_keys},
      {"faults[].may_miss", fault::Fault().may_miss},
      {"faults[].at.nth", place.nth.first},
      {"faults[].at.nth.from", place.nth.first},
      {"faults[].at.nth.step", place.nth.step},
      {"faults[].at.per", place.count_per == fault::CountPer::kTree ? "tree" : "?"},
      {"faults[].at.phase", place.phase == fault::Phase::kBefore ? "before" : "?"},
      {"faults[].at.probability", place.probability},
      {"faults[].do.signal", fault::Kill().signal == 9 ? "SIGKILL" : "?"},
      {"faults[].do.times", 1},
      {"faults[].do.libfiu.probability", fault::Libfiu().probability},
      {"crash", minimal.crash.kind == oracle::CrashKind::kProcessKill ? "process-kill" : "?"},
      {"crash.explore.kinds", {"process-kill", "power-loss"}},
      {"crash.explore.profile", explore.profile.name},
      {"crash.explore.profile.order[].of",
       crash::OrderRule().scope == crash::Scope::kAnywhere ? "filesystem" : "?"},
      {"crash.explore.points", points.kind == Points::Kind::kEverySyscall ? "every-syscall" : "?"},
      {"crash.explore.points.of",
       points.kind == Points::Kind::kEverySyscall ? "every-syscall" : "?"},
      {"crash.explore.points.from", points.first},
      {"crash.explore.torn_writes",
       explore.torn_writes == crash::TornWrites::kSector ? "sector" : "?"},
      {"crash.explore.samples_per_point", explore.samples_per_point},
      {"crash.explore.max_states", explore.max_states},
      {"crash.explore.depth", explore.depth},
      {"crash.explore.prune", explore.prune == Prune::kEqual ? "equal" : "?"},
      {"damage[].truncate_tail.step", 1},
      {"damage[].flip_bit.bit", crash::FlipBit().bit},
      {"damage[].flip_bit.from", 0},
      {"damage[].flip_bit.step", crash::FlipEveryByte().step},
      {"damage[].zero_range.from", 0},
      {"damage[].garbage_range.from", 0},
      {"recovery.deadline_ms", minimal.recovery.deadline_ms},
      {"recovery.cycles", minimal.recovery.cycles},
      {"oracle.run.refused_max", minimal.oracle.refused_max},
      {"oracle.start", minimal.oracle.starts ? "succeeds" : "refuses"},
      {"oracle.continues", minimal.oracle.continues != Continues::kNone},
      {"oracle.resumes_within_ms", minimal.oracle.resumes_within_ms},
      {"oracle.usable", minimal.oracle.usable},
      {"oracle.idempotent", minimal.oracle.idempotent},
      {"workload[].acks", "exit"},
      {"workload[].atomic", RunStep().atomic},
      {"workload[].may_change_nothing", RunStep().may_change_nothing},
      {"oracle.expect.database", 0},
      {"oracle.expect[].database", 0},
      {"matrix.^(/.*)?$.step", 1},
  };
  for (const auto& [property, full_path] : every_property()) {
    // The steps of a workload are the same everywhere.
    const std::string_view then = "oracle.then[][]";
    const std::string path =
        full_path.starts_with(then) ? "workload[]" + full_path.substr(then.size()) : full_path;
    const bool container = property->contains("default") && (*property)["default"].empty() &&
                           (*property)["default"].is_structured();
    if (property->contains("default") && !container) {
      ASSERT_TRUE(expected.contains(path)) << path << " has a default that this test does not know";
      EXPECT_EQ((*property)["default"], expected.at(path)) << path;
    }
  }
}

}  // namespace
}  // namespace crashpoint::scenario
