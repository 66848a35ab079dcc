// A run with one case of each status that uses every field.
#pragma once

#include <string>

#include "harness/report/result.h"

namespace crashpoint::report {

inline constexpr const char* kSampleDurable =
    "every acknowledged write survives (appendonly yes, appendfsync always, power loss: a reply is "
    "sent only after its command is synced)";

inline oracle::Verdict passed_check(const std::string& check, const std::string& promise) {
  oracle::Verdict verdict;
  verdict.check = check;
  verdict.promise = promise;
  return verdict;
}

inline CaseResult sample_pass() {
  CaseResult result;
  result.name = "aof/always-kill-mid-fsync[nth=3]";
  result.summary =
      "With appendfsync always, no acknowledged write is lost when the server dies inside "
      "fdatasync.";
  result.file = "scenarios/aof/always-kill-mid-fsync.json";
  result.tags = {"aof", "process-kill"};
  result.seed = 1;
  result.target = "engine";
  result.crash = "process-kill";
  result.promise = kSampleDurable;
  result.verdict.check = "guarantee";
  result.verdict.promise = kSampleDurable;
  result.checks = {passed_check("replies", "every reply is what its command gives"),
                   passed_check("start", "recovery succeeds within 5000 ms"),
                   passed_check("guarantee", kSampleDurable),
                   passed_check("usable", "it takes writes and restarts cleanly")};
  result.faults = {
      {"kill the tree during the 3rd fdatasync of *.incr.aof by main",
       {true, 3, 1, 4711, 123456789, "fdatasync(appendonly.aof.1.incr.aof) by main", {}}}};
  result.story = {
      {0, "step 1: 2,000 generated commands from 4 clients", Moment::Kind::kStep},
      {61.5, "fault: fdatasync(appendonly.aof.1.incr.aof) by main, 3rd", Moment::Kind::kFault},
      {61.6, "the tree is killed", Moment::Kind::kCrash},
      {83.1, "started again, ready in 4.20 ms", Moment::Kind::kRecovery}};
  result.reproduce =
      "crashpoint run scenarios/aof/always-kill-mid-fsync.json --filter "
      "'aof/always-kill-mid-fsync[nth=3]' --seed 1";
  result.cycles = 1;
  result.timing = {11, 62, 3, 21, 2, 104};
  return result;
}

inline CaseResult sample_violation() {
  CaseResult result = sample_pass();
  result.name = "aof/everysec-power-loss[appendfsync=everysec,nth=2]";
  result.summary = "Under everysec a power loss takes at most the last second of writes.";
  result.file = "scenarios/aof/everysec-power-loss.json";
  result.tags = {"aof", "power-loss"};
  result.seed = 9007199254740991;
  result.crash = "power-loss";
  result.promise =
      "a prefix of the history survives, with every command acked more than 1 s before "
      "the crash";
  result.verdict.outcome = oracle::Outcome::kViolation;
  result.verdict.promise = result.promise;
  result.verdict.summary =
      "31 acknowledged commands are gone, the oldest had been acked for 1,412 ms when the power "
      "failed";
  result.verdict.lost = {{2, 118, "SET key:44 \"v118\"", 2104, 1412},
                         {2, 119, "RPUSH list:7 \"\\x00\\xff tail\"", 2106, 1410},
                         {0, 124, "INCR counter", 2110, 1406}};
  result.verdict.lost_count = 31;
  result.verdict.differences = {{0, "key:44", "string \"v118\"", "string \"v90\""},
                                {0, "list:7", "list of 12", "list of 11, without the last"},
                                {3, "counter", "124", "nothing"}};
  result.verdict.difference_count = 3;
  result.verdict.nearest =
      "the state after client 0 #123, client 1 #99, client 2 #117; the first command that breaks "
      "it is client 2 #118";
  result.checks[2] = result.verdict;
  result.story = {
      {0, "step 1: 2,000 generated commands from 4 clients", Moment::Kind::kStep},
      {310, "client 0 #12 acked", Moment::Kind::kAck},
      {820, "client 1 #40 acked", Moment::Kind::kAck},
      {1004, "fdatasync of appendonly.aof.1.incr.aof", Moment::Kind::kSync},
      {1702, "client 2 #88 acked", Moment::Kind::kAck},
      {2002, "fdatasync of appendonly.aof.1.incr.aof: skipped, reported as done",
       Moment::Kind::kFault},
      {2980, "client 3 #140 acked", Moment::Kind::kAck},
      {3516, "power loss", Moment::Kind::kCrash},
      {3524, "started again on what was durable, ready in 6.10 ms", Moment::Kind::kRecovery},
      {3540, "512 keys read", Moment::Kind::kRecovery}};
  result.faults[0].text = "skip the 2nd fdatasync of *.incr.aof";
  result.notes = {"shared mapping of stats.db: its writes are not seen"};
  result.reproduce =
      "crashpoint run scenarios/aof/everysec-power-loss.json --filter "
      "'aof/everysec-power-loss[appendfsync=everysec,nth=2]' --seed 9007199254740991";
  result.artifacts = {{"log of the recovering target", "files/everysec-power-loss/recovery.log"},
                      {"the directory as it was recovered", "files/everysec-power-loss/data"}};
  result.timing = {12, 3516, 4, 24, 3, 3570};
  return result;
}

inline CaseResult sample_inconclusive() {
  CaseResult result = sample_pass();
  result.name = "rewrite/kill-child-before-exit";
  result.summary = "A rewrite whose child dies at the last moment leaves the old files in force.";
  result.tags = {"aof", "rewrite"};
  result.faults = {{"kill the process at the 9th write by rewrite", {}}};
  result.faults[0].report.armed = true;
  result.faults[0].report.passed = 6;
  result.faults[0].report.nearest = {"write(temp-rewriteaof-812.aof) by rewrite: 6 times"};
  result.verdict = {};
  result.verdict.outcome = oracle::Outcome::kInconclusive;
  result.verdict.check = "faults";
  result.verdict.summary =
      "the fault never fired: kill the process at the 9th write by rewrite; what did occur: "
      "write(temp-rewriteaof-812.aof) by rewrite: 6 times";
  result.checks.push_back(result.verdict);
  return result;
}

inline CaseResult sample_known() {
  CaseResult result = sample_violation();
  result.name = "tail/zeros-after-power-loss";
  result.target = "redis";
  result.verdict.known =
      "redis-server 7.0 refuses to start on a log that ends in zeros; see redis/redis#11711";
  result.verdict.lost.clear();
  result.verdict.lost_count = 0;
  result.verdict.differences.clear();
  result.verdict.difference_count = 0;
  result.verdict.nearest.clear();
  result.verdict.check = "start";
  result.verdict.promise = "recovery succeeds";
  result.verdict.summary = "it exited with status 1: Bad file format reading the append only file";
  result.checks[1] = result.verdict;
  result.artifacts.clear();
  return result;
}

inline RunResult sample_run() {
  RunResult run;
  run.version = "0.1.0";
  run.target = "engine (crashpoint-engine 0.1.0)";
  run.command = "crashpoint run scenarios -j 2 --report build/report";
  run.started_at = "2024-05-01T12:00:00Z";
  run.jobs = 2;
  run.wall_ms = 2500;
  run.planned = 4;
  run.cases = {sample_pass(), sample_violation(), sample_inconclusive(), sample_known()};
  return run;
}

}  // namespace crashpoint::report
