// The exact messages for errors in a scenario: they are part of the interface.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <iterator>
#include <ostream>
#include <string>
#include <vector>

#include "harness/base/random.h"
#include "harness/scenario/load/files_for_test.h"

namespace crashpoint::scenario {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct Mistake {
  const char* name;
  const char* keys;  // of a scenario that is complete without them, on its line 3
  std::vector<std::string> problems;
};

std::ostream& operator<<(std::ostream& out, const Mistake& mistake) {
  return out << mistake.name;
}

class Mistakes : public testing::TestWithParam<Mistake> {};

TEST_P(Mistakes, AreReportedWithPositionFoundAndAllowed) {
  const FilesForTest files;
  const std::string text =
      std::string("{\n\"version\": 1, \"summary\": \"s\",\n") + GetParam().keys + "\n}";
  EXPECT_EQ(files.problems_of(text), GetParam().problems);
}

const Mistake kKeys[] = {
    {"UnknownKey",
     R"("fautls": [])",
     {R"(3:1: /fautls: unknown key "fautls"; did you mean "faults"?)"}},
    {"UnknownProfile",
     R"("crash": {"explore": {"profile": "ext5"}})",
     {R"(3:34: /crash/explore/profile: found "ext5"; allowed: "weakest", "ext4-ordered", "ext4-noauto_da_alloc", "ext4-writeback", "xfs", "btrfs", "prefix", or a profile of your own: {"name", "base", ...})"}},
    {"OwnProfileWithoutABase",
     R"("crash": {"explore": {"profile": {"name": "p"}}})",
     {R"(3:34: /crash/explore/profile: "base" is missing; allowed: "weakest", "ext4-ordered", "ext4-noauto_da_alloc", "ext4-writeback", "xfs", "btrfs", "prefix")"}},
    {"OwnProfileWithTheNameOfAnother",
     R"("crash": {"explore": {"profile": {"name": "xfs", "base": "xfs"}}})",
     {R"(3:43: /crash/explore/profile/name: "xfs" is a built-in profile; allowed: another name)"}},
    {"OwnProfileWithAnUnknownKind",
     R"("crash": {"explore": {"profile": {"name": "p", "base": "xfs", "order": [{"earlier": ["name"], "later": ["names"]}]}}})",
     {R"(3:86: /crash/explore/profile/order/0/earlier/0: found "name"; allowed: "names", "resize", "shift", "bytes", "bytes-in-place", "bytes-new", "grow", "grow-in-block", "grow-delayed", "grow-new", "all"; did you mean "names"?)"}},
    {"OwnProfileWithARuleThatNeverApplies",
     R"("crash": {"explore": {"profile": {"name": "p", "base": "xfs", "order": [
       {"earlier": ["bytes"], "later": ["names"], "of": "name"}, {"earlier": ["grow"], "later": ["names"], "of": "file"}]}}})",
     {R"(4:20: /crash/explore/profile/order/0/earlier: none of these operations is on a name, so the rule never applies; allowed: "names")",
      R"(4:97: /crash/explore/profile/order/1/later: names are not in a file, so the rule never applies; allowed: operations on files)"}},
    {"UnknownKeyNearNothing",
     R"("recovery": {"wibble": 1})",
     {R"(3:14: /recovery/wibble: unknown key "wibble"; allowed: beside, config, cycles, deadline_ms, faults, run)"}},
    {"KeyOfAnotherPlace",
     R"("nth": 3)",
     {R"(3:1: /nth: unknown key "nth"; it belongs in faults[].at)"}},
    {"KeyOfTheTopLevel",
     R"("recovery": {"damage": []})",
     {R"(3:14: /recovery/damage: unknown key "damage"; it belongs at the top level)"}},
    {"WrongType",
     R"("recovery": {"cycles": "3"})",
     {R"(3:24: /recovery/cycles: found "3"; allowed: a whole number from 1 to 1000)"}},
    {"OutOfRange",
     R"("recovery": {"cycles": 0})",
     {R"(3:24: /recovery/cycles: found 0; allowed: a whole number from 1 to 1000)"}},
    {"NotWhole",
     R"("recovery": {"cycles": 1.5})",
     {R"(3:24: /recovery/cycles: found 1.5; allowed: a whole number from 1 to 1000)"}},
    {"TooLargeForANumber",
     R"("seed": 99999999999999999999)",
     {R"(3:9: /seed: found 1e+20; allowed: a whole number of at least 0)"}},
    {"ListForAnObject",
     R"("oracle": [])",
     {R"(3:11: /oracle: found an empty list; allowed: an object with also_loads_in, continues, expect, files, guarantee, idempotent, info, log, memory_mb_max, resumes_within_ms, run, start, then, tools, usable)"}},
    {"TextForABoolean",
     R"("oracle": {"usable": "yes"})",
     {R"(3:22: /oracle/usable: found "yes"; allowed: true or false)"}},
    {"WordNearAnother",
     R"("crash": "proces-kill")",
     {R"(3:10: /crash: found "proces-kill"; allowed: "process-kill", "power-loss", or {"explore": {...}}; did you mean "process-kill"?)"}},
    {"ExtendsOfNoFile", R"("extends": 3)", {R"(3:12: /extends: found 3; allowed: a string)"}},
    {"BeyondWhatJsonCarries",
     R"("faults": [{"at": {"after_acked": 18446744073709551615}, "do": {"kill": "tree"}}])",
     {R"(3:35: /faults/0/at/after_acked: found 18446744073709551615; allowed: at most 9007199254740991 (larger JSON numbers are not exact))"}},
    {"TagInCapitals",
     R"("tags": ["AOF"])",
     {R"(3:10: /tags/0: found "AOF"; allowed: lower case letters, digits and . _ -)"}},
    {"TagTwice", R"("tags": ["a", "b", "a"])", {R"(3:20: /tags/2: duplicate "a" in the list)"}},
    {"NameWithSpaces",
     R"("name": "my test")",
     {R"(3:9: /name: found "my test"; allowed: letters, digits and . _ + -, in parts separated by '/')"}},
    {"KeyTwice", R"("seed": 1, "seed": 2)", {R"(3:12: /seed: duplicate key "seed"; remove one)"}},
};

const Mistake kTargets[] = {
    {"UnknownTarget",
     R"("target": {"use": "reddis"})",
     {R"(3:19: /target/use: found "reddis"; allowed: "engine", "redis", or {"command": [...], "protocol": "resp"}, or {"program": NAME, "version": [...]}; did you mean "redis"?)"}},
    {"CommandMissing",
     R"("target": {"use": {"protocol": "resp"}})",
     {R"(3:19: /target/use: "command" is missing; allowed: a list (at least 1) of a string)"}},
    {"BooleanDirective",
     R"("target": {"config": {"appendonly": true}})",
     {R"(3:37: /target/config/appendonly: found true; allowed: a string, a number, or a list of them)"}},
    {"DirectiveTwice",
     R"("target": {"config": {"Save": "60 1", "save": "1 1"}})",
     {R"(3:39: /target/config/save: duplicate directive "save" (upper and lower case are the same))"}},
    {"NoNameOfAVariable",
     R"("target": {"environment": {"A=B": "1"}})",
     {R"(3:28: /target/environment/A=B: is not a valid name of an environment variable)"}},
    {"FileOutside",
     R"("files": {"/etc/passwd": "", "../x": ""})",
     {R"(3:11: /files/~1etc~1passwd: "/etc/passwd" is absolute; paths are relative to the data directory)",
      R"(3:30: /files/..~1x: "../x" leads out of the data directory through '..')"}},
    {"HexOfOddLength",
     R"("files": {"x": {"hex": "abc"}})",
     {R"(3:24: /files/x/hex: found "abc"; allowed: hexadecimal digits, two per byte)"}},
};

const Mistake kWorkloads[] = {
    {"StepOfNothing",
     R"("workload": [{}])",
     {R"(3:14: /workload/0: needs one of: commands, generate, admin, pause_ms, run)"}},
    {"StepOfTwo",
     R"("workload": [{"admin": ["BGSAVE"], "pause_ms": 1}])",
     {R"(3:14: /workload/0: found admin and pause_ms together; only one of them is allowed)"}},
    {"SlipInAStep",
     R"("workload": [{"comands": []}])",
     {R"(3:15: /workload/0/comands: unknown key "comands"; did you mean "commands"?)"}},
    {"CommandAsText",
     R"("workload": [{"commands": ["SET a 1"]}])",
     {R"(3:28: /workload/0/commands/0: found "SET a 1"; allowed: a command, a list like ["SET", "key", "value"])"}},
    {"WaitWithoutAdmin",
     R"("workload": [{"pause_ms": 1, "wait": "done"}])",
     {R"(3:30: /workload/0/wait: "wait" needs "admin", which is missing)"}},
    {"RepeatedPause",
     R"("workload": [{"pause_ms": 1, "repeat": 2}])",
     {R"(3:30: /workload/0/repeat: "repeat" needs "commands" or "admin", and both are missing)"}},
    {"TooManyLiteralCommands",
     R"("workload": [{"commands": [["PING"], ["PING"]], "repeat": 1000000}])",
     {R"(3:27: /workload/0/commands: 2,000,000 commands; allowed: at most 1,000,000 (use "generate" for more))"}},
};

const Mistake kFaults[] = {
    {"UnknownSyscall",
     R"("faults": [{"at": {"syscall": "fdatsync"}, "do": {"kill": "tree"}}])",
     {R"(3:31: /faults/0/at/syscall: unknown syscall "fdatsync"; did you mean "fdatasync"?)"}},
    {"UnknownErrno",
     R"("faults": [{"at": {"syscall": "write"}, "do": {"error": "ENOSPCE"}}])",
     {R"(3:57: /faults/0/do/error: found "ENOSPCE"; allowed: the name of an errno, such as ENOSPC or EIO; did you mean "ENOSPC"?)"}},
    {"ErrnoOfAnotherSyscall",
     R"("faults": [{"at": {"syscall": "fsync"}, "do": {"error": "EPIPE"}}])",
     {R"(3:57: /faults/0/do/error: fsync cannot fail with EPIPE; allowed: EDQUOT, EINTR, EINVAL, EIO, ENOMEM, ENOSPC, EROFS)"}},
    {"ErrorWhereNoneCanBe",
     R"("faults": [{"at": {"syscall": "sync"}, "do": {"error": "EIO"}}])",
     {R"(3:56: /faults/0/do/error: sync cannot fail)"}},
    {"UnknownSignal",
     R"("faults": [{"at": {"at_ms": 3}, "do": {"kill": "tree", "signal": "SIGTREM"}}])",
     {R"(3:66: /faults/0/do/signal: found "SIGTREM"; allowed: the name of a signal, such as SIGKILL or SIGTERM; did you mean "SIGTERM"?)"}},
    {"BadGlob",
     R"("faults": [{"at": {"syscall": "write", "path": "x[0-9"}, "do": {"kill": "tree"}}])",
     {R"(3:48: /faults/0/at/path: "x[0-9" has a '[' at character 2 that is never closed)"}},
    {"GlobThatLeadsOutside",
     R"("faults": [{"at": {"syscall": "write", "path": "../*"}, "do": {"kill": "tree"}}])",
     {R"(3:48: /faults/0/at/path: "../*" leads out of the data directory through '..')"}},
    {"NoPlace",
     R"("faults": [{"do": {"kill": "tree"}}])",
     {R"(3:12: /faults/0: "at" is missing: where does the fault fire?)"}},
    {"PlaceOfWhatIsEverywhere",
     R"("faults": [{"at": {"syscall": "write"}, "do": {"disk_bytes": 4096}}])",
     {R"(3:12: /faults/0: disk_bytes and libfiu are in effect from the start; remove "at")"}},
    {"PointThatLibfiuLacks",
     R"("faults": [{"do": {"libfiu": {"name": "posix/io/rw/wirte"}}}])",
     {R"(3:39: /faults/0/do/libfiu/name: no such point of libfiu: "posix/io/rw/wirte"; did you mean "posix/io/rw/write"?)"}},
    {"MomentWithAPlace",
     R"("faults": [{"at": {"after_acked": 3, "role": "main"}, "do": {"kill": "tree"}}])",
     {R"(3:38: /faults/0/at/role: "role" needs "syscall" or "failpoint"; it has no meaning at a moment)"}},
    {"ErrorAtAMoment",
     R"("faults": [{"at": {"at_ms": 3}, "do": {"error": "EIO"}}])",
     {R"(3:39: /faults/0/do: at a moment (after_acked, at_ms) only "kill" is possible)"}},
    {"FailpointWithAPhase",
     R"("faults": [{"at": {"failpoint": "aof/append/after-write", "phase": "after"}, "do": {"kill": "tree"}}])",
     {R"(3:59: /faults/0/at/phase: "phase" needs "syscall"; a failpoint has no phases)"}},
    {"FailpointOfAnotherTarget",
     R"("target": {"use": "redis"}, "faults": [{"at": {"failpoint": "a/b"}, "do": {"kill": "tree"}}])",
     {R"(3:47: /faults/0/at: only crashpoint-engine has failpoints; this target has none)"}},
    {"ShortWriteOfASync",
     R"("faults": [{"at": {"syscall": "fsync"}, "do": {"short_write": 3}}])",
     {R"(3:47: /faults/0/do: short_write and torn_write need a syscall that writes; found fsync)"}},
    {"SkippedFork",
     R"("faults": [{"at": {"syscall": "fork"}, "do": {"skip": true}}])",
     {R"(3:46: /faults/0/do: fork cannot be skipped; allowed: calls that write, rename, remove or sync)"}},
    {"SkipFalse",
     R"("faults": [{"at": {"syscall": "fsync"}, "do": {"skip": false}}])",
     {R"(3:56: /faults/0/do/skip: found false; allowed: true)"}},
    {"TriggeredSyscall",
     R"("faults": [{"at": {"syscall": "write"}, "do": {"trigger": true}}])",
     {R"(3:47: /faults/0/do: "trigger" needs a failpoint)"}},
    {"TimesOfARange",
     R"("faults": [{"at": {"syscall": "write", "nth": "every"}, "do": {"error": "EIO", "times": 3}}])",
     {R"(3:80: /faults/0/do/times: "times" needs an "nth" that is a single number)"}},
    {"RangeBackwards",
     R"("faults": [{"at": {"syscall": "write", "nth": {"from": 3, "to": 1}}, "do": {"kill": "tree"}}])",
     {R"(3:47: /faults/0/at/nth: found from 3 to 1; allowed: the smaller number first)"}},
    {"StepThatIsNotThere",
     R"("workload": [{"pause_ms": 1}], "faults": [{"at": {"at_ms": 3}, "do": {"kill": "tree"}, "from_step": 1}])",
     {R"(3:101: /faults/0/from_step: found 1; the workload has 1 step, numbered from 0)"}},
    {"RecoveryFaultAfterAcked",
     R"("recovery": {"faults": [{"at": {"after_acked": 3}, "do": {"kill": "tree"}}]})",
     {R"(3:33: /recovery/faults/0/at/after_acked: "after_acked" refers to the workload, and there is none during recovery)"}},
};

const Mistake kOracles[] = {
    {"SlipInAGuarantee",
     R"("oracle": {"guarantee": "durabel"})",
     {R"(3:25: /oracle/guarantee: found "durabel"; allowed: "durable", "prefix", "snapshot", "none" or {"buffered": {"seconds": N}}; did you mean "durable"?)"}},
    {"BufferedWithoutSeconds",
     R"("oracle": {"guarantee": {"buffered": {}}})",
     {R"(3:38: /oracle/guarantee/buffered: "seconds" is missing; allowed: a number from 0 to 3600)"}},
    {"ValueOfNoType",
     R"("oracle": {"expect": {"keys": {"a": {"lst": []}}}})",
     {R"(3:38: /oracle/expect/keys/a/lst: unknown key "lst"; did you mean "list"?)"}},
    {"MemberTwice",
     R"("oracle": {"expect": {"keys": {"a": {"set": ["x", "x"]}}}})",
     {R"(3:51: /oracle/expect/keys/a/set/1: duplicate member of the set)"}},
    {"PresentAndAbsent",
     R"("oracle": {"expect": {"keys": {"a": "1"}, "absent": ["a"]}})",
     {R"(3:54: /oracle/expect/absent/0: "a" is also under "keys")"}},
    {"BoundsBackwards",
     R"("oracle": {"info": {"x": {"min": 3, "max": 1}}})",
     {R"(3:26: /oracle/info/x: min is greater than max)"}},
    {"FileOutsideExpected",
     R"("oracle": {"files": {"absent": ["/tmp/*"]}})",
     {R"(3:33: /oracle/files/absent/0: "/tmp/*" is absolute; paths are relative to the data directory)"}},
};

const Mistake kDamages[] = {
    {"NoFile",
     R"("damage": [{"remove": true}])",
     {R"(3:12: /damage/0: "file" is missing; allowed: a string)"}},
    {"DamageOutside",
     R"("damage": [{"file": "/etc/*", "remove": true}])",
     {R"(3:21: /damage/0/file: "/etc/*" is absolute; paths are relative to the data directory)"}},
    {"SwapOutside",
     R"("damage": [{"file": "x", "swap": "a/../../b"}])",
     {R"(3:34: /damage/0/swap: "a/../../b" leads out of the data directory through '..')"}},
    {"CutBackwards",
     R"("damage": [{"file": "x", "truncate_tail": {"from": 5, "to": 3}}])",
     {R"(3:43: /damage/0/truncate_tail: found from 5 to 3; allowed: the smaller number first)"}},
    {"PermissionsInDecimal",
     R"("damage": [{"file": "x", "chmod": "0999"}])",
     {R"(3:35: /damage/0/chmod: found "0999"; allowed: three octal digits, "0400")"}},
};

// What each part allows, but not together.
const Mistake kCombinations[] = {
    {"DamageAndExploration",
     R"("crash": {"explore": {}}, "damage": [{"file": "x", "remove": true}])",
     {R"(3:27: /damage: damage needs the crash "process-kill" or "power-loss"; an exploration has torn and lost writes of its own)"}},
    {"RefusalAndExploration",
     R"("crash": {"explore": {}}, "oracle": {"start": "refuses"})",
     {R"(3:47: /oracle/start: found "refuses"; an exploration is of states on which the target must start)"}},
    {"CyclesAndDamage",
     R"("recovery": {"cycles": 2}, "damage": [{"file": "x", "remove": true}])",
     {R"(3:24: /recovery/cycles: found 2; more than 1 needs the crash "process-kill" or "power-loss" without damage)"}},
    {"CyclesAndExploration",
     R"("recovery": {"cycles": 2}, "crash": {"explore": {}})",
     {R"(3:24: /recovery/cycles: found 2; more than 1 needs the crash "process-kill" or "power-loss" without damage)"}},
    {"SurvivorsAndExploration",
     R"("crash": {"explore": {}}, "recovery": {"beside": "instance"})",
     {R"(3:10: /crash: "beside" needs the crash "process-kill": nothing survives a power loss, and an exploration has no processes)"}},
    {"SurvivorsAndPowerLoss",
     R"("crash": "power-loss", "recovery": {"beside": "instance"})",
     {R"(3:10: /crash: "beside" needs the crash "process-kill": nothing survives a power loss, and an exploration has no processes)"}},
    {"SurvivorsAndDamage",
     R"("recovery": {"beside": "instance"}, "damage": [{"file": "x", "remove": true}])",
     {R"(3:37: /damage: no damage is done to a directory that is in use; remove "damage" or "beside")"}},
    {"SurvivorsAndCycles",
     R"("recovery": {"beside": "instance", "cycles": 2})",
     {R"(3:46: /recovery/cycles: found 2; "beside" has one crash, the one of all at the end)"}},
    {"SurvivorsAndRecoveryFaults",
     R"("recovery": {"beside": "instance", "faults": [{"at": {"at_ms": 3}, "do": {"kill": "tree"}}]})",
     {R"(3:36: /recovery/faults: "beside" has no faults in recovery: the start beside what still lives is the one that counts)"}},
    {"SurvivorsAndRefusal",
     R"("recovery": {"beside": "instance"}, "oracle": {"start": "refuses"})",
     {R"(3:57: /oracle/start: found "refuses"; with "beside" a target may refuse to start beside what still lives, and must start when that is gone)"}},
    {"SurvivorsWithoutAPromise",
     R"("recovery": {"beside": "instance"}, "oracle": {"guarantee": "none"})",
     {R"(3:61: /oracle/guarantee: found "none"; "beside" is about what a new instance acknowledged, and that needs a promise)"}},
    {"OrphansWithoutAKill",
     R"("recovery": {"beside": "orphans"})",
     {R"(3:24: /recovery/beside: "orphans" needs a fault that kills the main process alone, while a child of it is at work: {"at": ..., "do": {"kill": "main"}})"}},
    {"OrphansOfAKilledTree",
     R"("recovery": {"beside": "orphans"}, "faults": [{"at": {"at_ms": 3}, "do": {"kill": "main"}}, {"at": {"at_ms": 3}, "do": {"kill": "tree"}}])",
     {R"(3:120: /faults/1/do: "beside": "orphans" is about the children of a main process that was killed alone; allowed: {"kill": "main"}, or "process" where "role" is "main")"}},
    {"StoppedAndKilled",
     R"("recovery": {"beside": "stopped"}, "faults": [{"at": {"at_ms": 3}, "do": {"kill": "tree"}}])",
     {R"(3:74: /faults/0/do: "beside": "stopped" is about a target that is stopped as a whole; allowed: {"kill": "tree", "signal": "SIGSTOP"})"}},
    {"AnInstanceThatIsKilled",
     R"("recovery": {"beside": "instance"}, "faults": [{"at": {"at_ms": 3}, "do": {"kill": "main"}}])",
     {R"(3:75: /faults/0/do: "beside": "instance" is about a target that goes on serving: no fault may end it)"}},
    {"RecoveryFaultAndExploration",
     R"("crash": {"explore": {}}, "recovery": {"faults": [{"at": {"at_ms": 3}, "do": {"kill": "tree"}}]})",
     {R"(3:40: /recovery/faults: faults in recovery need the crash "process-kill" or "power-loss"; an exploration with "depth": 2 crashes each recovery at every crash point)"}},
};

const auto kName = [](const auto& info) { return std::string(info.param.name); };
INSTANTIATE_TEST_SUITE_P(Keys, Mistakes, testing::ValuesIn(kKeys), kName);
INSTANTIATE_TEST_SUITE_P(Targets, Mistakes, testing::ValuesIn(kTargets), kName);
INSTANTIATE_TEST_SUITE_P(Workloads, Mistakes, testing::ValuesIn(kWorkloads), kName);
INSTANTIATE_TEST_SUITE_P(Faults, Mistakes, testing::ValuesIn(kFaults), kName);
INSTANTIATE_TEST_SUITE_P(Oracles, Mistakes, testing::ValuesIn(kOracles), kName);
INSTANTIATE_TEST_SUITE_P(Damages, Mistakes, testing::ValuesIn(kDamages), kName);
INSTANTIATE_TEST_SUITE_P(Combinations, Mistakes, testing::ValuesIn(kCombinations), kName);

TEST(Problems, AreAllReportedAtOnceInTheOrderOfTheFile) {
  const FilesForTest files;
  const std::string file = files.write("a/t.json", R"({
  "version": 2,
  "oracle": { "usable": 1 },
  "faults": [ { "at": { "syscall": "fsnyc" }, "do": { "kill": "tree" } } ],
  "damage": [ { "file": "..", "remove": true } ]
})");
  EXPECT_THAT(
      files.problems({file}),
      ElementsAre(
          "5 problems in a/t.json; nothing was started:",
          R"(a/t.json:1:1: "summary" is missing; allowed: a string)",
          R"(a/t.json:2:14: /version: found 2; allowed: 1)",
          R"(a/t.json:3:25: /oracle/usable: found 1; allowed: true or false)",
          R"(a/t.json:4:36: /faults/0/at/syscall: unknown syscall "fsnyc"; did you mean "fsync"?)",
          R"(a/t.json:5:25: /damage/0/file: ".." leads out of the data directory through '..')"));
}

TEST(Problems, OfSeveralFilesAreCountedTogether) {
  const FilesForTest files;
  files.write("a.json", "{}");
  files.write("b.json", "[");
  EXPECT_THAT(files.problems({files.path()}),
              ElementsAre("3 problems in 2 files; nothing was started:",
                          R"(a.json:1:1: "summary" is missing; allowed: a string)",
                          R"(a.json:1:1: "version" is missing; allowed: 1)",
                          "b.json:1:2: not JSON: unexpected end of file; a bracket, brace or "
                          "quote is not closed"));
}

TEST(Problems, OfAMatrixAreReportedOnceNotForEachCase) {
  const FilesForTest files;
  EXPECT_THAT(
      files.problems_of(R"({"version": 1, "summary": "s",
"recovery": {"cycles": 0}, "matrix": {"/seed": {"from": 1, "to": 1000}}})"),
      ElementsAre("2:24: /recovery/cycles: found 0; allowed: a whole number from 1 to 1000"));
}

TEST(Problems, PointAtTheMatrixValueThatIsWrong) {
  const FilesForTest files;
  EXPECT_THAT(
      files.problems_of(R"({"version": 1, "summary": "s", "recovery": {"cycles": 1},
"matrix": {"/recovery/cycles": [1, 2000, 3]}})"),
      ElementsAre("2:36: /recovery/cycles: found 2000; allowed: a whole number from 1 to 1000"));
}

TEST(Problems, BeyondFiftyAreCounted) {
  const FilesForTest files;
  std::string tags;
  for (int i = 0; i < 60; ++i) {
    tags += (i > 0 ? ", " : "") + std::string("\"A") + std::to_string(i) + "\"";
  }
  const std::vector<std::string> problems = files.problems(
      {files.write("t.json", R"({"version": 1, "summary": "s", "tags": [)" + tags + "]}")});
  ASSERT_EQ(problems.size(), 52U);
  EXPECT_EQ(problems[0], "60 problems in t.json; nothing was started:");
  EXPECT_EQ(problems[51], "... and 10 more");
}

TEST(Problems, OfAMissingFileNameTheMostSimilarOne) {
  const FilesForTest files;
  files.write("aof/kill.json", "{}");
  EXPECT_THAT(
      files.problems({files.path("aof/kil.json")}),
      ElementsAre("1 problem in aof/kil.json; nothing was started:",
                  "aof/kil.json: no such file or directory; did you mean \"aof/kill.json\"?"));
}

TEST(Problems, AnEmptyDirectoryIsAnError) {
  const FilesForTest files;
  std::filesystem::create_directory(files.path("empty"));
  EXPECT_THAT(files.problems({files.path("empty")}),
              ElementsAre(testing::_, "empty: contains no scenario (*.json)"));
}

TEST(Problems, AKnownFindingOfNoCaseIsRefused) {
  const FilesForTest files;
  EXPECT_THAT(files.problems_of(R"({"version": 1, "summary": "s", "matrix": {"/seed": [1, 2]},
"known_findings": [{"target": "redis", "check": "start", "found": "*", "reason": "r", "cases": "*seed=2*"},
                   {"target": "redis", "check": "start", "found": "*", "reason": "r", "cases": "*seed=3*"}]})"),
              ElementsAre("3:96: /known_findings/1/cases: \"*seed=3*\" matches no case of this "
                          "file"));
}

TEST(Problems, AnythingButARegularFileIsRefused) {
  const FilesForTest files;
  const std::string pipe = files.path("pipe.json");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THAT(files.problems({pipe}), ElementsAre("1 problem in pipe.json; nothing was started:",
                                                  "pipe.json: is not a regular file"));
}

// For any damaged file the loader reports a position and does not crash.
TEST(Problems, NoDamageToAFileGoesBeyondAMessage) {
  const FilesForTest files;
  std::ifstream good(CRASHPOINT_SOURCE_DIR "/scenarios/_templates/torn-tail.json");
  const std::string text((std::istreambuf_iterator<char>(good)), std::istreambuf_iterator<char>());
  ASSERT_FALSE(text.empty());
  Random random(1);
  for (int i = 0; i < 200; ++i) {
    std::string damaged = text;
    const std::size_t at = random.below(text.size());
    switch (random.below(4)) {
      case 0:
        damaged.erase(at, random.between(1, 9));
        break;
      case 1:
        damaged[at] = static_cast<char>(random.below(256));
        break;
      case 2:
        damaged.insert(at, std::string(1, "{}[],:\"0-/*x\n"[random.below(14)]));
        break;
      default:
        damaged.resize(at);
    }
    for (const std::string& problem : files.problems_of(damaged)) {
      EXPECT_THAT(problem, testing::MatchesRegex("[0-9]+:[0-9]+: (.|\n)+")) << damaged;
    }
  }
}

TEST(Problems, TwoFilesOfOneNameAreRefused) {
  const FilesForTest files;
  files.write("a/x.json", R"({"version": 1, "summary": "s", "name": "n"})");
  files.write("b/x.json", R"({"version": 1, "summary": "s", "name": "n"})");
  const std::vector<std::string> problems = files.problems({files.path()});
  ASSERT_EQ(problems.size(), 2U);
  EXPECT_EQ(problems[1],
            "b/x.json:1:40: /name: \"n\" is also the name of a/x.json; change the \"name\" of "
            "one of them");
}

TEST(Problems, AFilterThatMatchesNothingIsAnError) {
  const FilesForTest files;
  LoadOptions options;
  options.filter = {"aof/kil"};
  EXPECT_THAT(
      files.problems({files.write("aof/kill.json", R"({"version": 1, "summary": "s"})")}, options),
      ElementsAre("no case matches --filter and --exclude; did you mean \"aof/kill\"?"));
}

TEST(Problems, ACorrectFileHasNone) {
  const FilesForTest files;
  EXPECT_THAT(files.problems_of(R"({"version": 1, "summary": "s"})"), IsEmpty());
}

}  // namespace
}  // namespace crashpoint::scenario
