// Every guarantee and check that a scenario can request: a correct engine passes all of them, and for
// each a target that breaks only that one is caught.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "harness/base/temporary_directory.h"
#include "harness/base/text.h"
#include "harness/cli/shell_for_test.h"
#include "harness/ptrace/run_for_test.h"

namespace crashpoint::cli {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

// Shell commands that run before exec of the engine ($0: its configuration, $1: the data directory),
// and directives to add.
struct Broken {
  const char* check = "";
  const char* shell = "";
  const char* directives = "";
  const char* oracle = "";
  const char* more = "";  // members of the scenario
};

constexpr char kForgetsTheLog[] = "[ ! -e $1/appendonlydir ] || rm -r $1/appendonlydir";
constexpr char kForgetsKeyA[] =
    R"([ ! -e $1/appendonlydir ] || printf '*2\\r\\n$3\\r\\nDEL\\r\\n$1\\r\\na\\r\\n' >> $1/appendonlydir/appendonly.aof.1.incr.aof)";
constexpr char kWritesThenWaits[] =
    R"(, "workload": [{"commands": [["SET", "a", "1"]]}, {"pause_ms": 200}])";
constexpr char kWritesThenSaves[] =
    R"(, "workload": [{"commands": [["SET", "a", "1"]]}, {"admin": ["SAVE"]}])";

const Broken kBroken[] = {
    {"durable", kForgetsTheLog, "", R"("guarantee": "durable")"},
    {"buffered", kForgetsTheLog, "", R"("guarantee": {"buffered": {"seconds": 0.05}})",
     kWritesThenWaits},
    {"prefix", kForgetsKeyA, "", R"("guarantee": "prefix")"},
    {"snapshot", "rm -f $1/dump.rdb", "--appendonly no", R"("guarantee": "snapshot")",
     kWritesThenSaves},
    {"expect", kForgetsKeyA, "", R"("expect": {"keys": {"a": "1"}})"},
    {"files", "touch $1/temp-left.aof", "", R"("files": {"absent": ["temp-*"]})"},
    {"log", "echo Bad file format", "", R"("log": {"absent": ["*Bad file format*"]})"},
    {"info", "", "--appendonly no", R"("info": {"aof_enabled": 1})"},
    {"memory", "", "", R"("memory_mb_max": 1)"},
    {"refuses", "", "", R"("start": "refuses")"},
    {"starts", "[ ! -e $1/appendonlydir ] || exit 1", "", R"("start": "succeeds")"},
    {"in-time", "[ ! -e $1/appendonlydir ] || sleep 60", "", R"("start": "succeeds")",
     R"(, "recovery": {"deadline_ms": 1500})"},
    {"idempotent",
     R"([ ! -e $1/appendonlydir ] || printf '*2\\r\\n$4\\r\\nINCR\\r\\n$1\\r\\nn\\r\\n' >> $1/appendonlydir/appendonly.aof.1.incr.aof)",
     "", R"("idempotent": true)"},
    {"usable", "[ ! -e $1/appendonlydir ] || set -- $1 --maxmemory 1", "", R"("usable": true)"},
    {"tools", "", "", R"("tools": [["false"]])"},
    {"also_loads_in", "", "--appendonly no --dbfilename other.rdb", R"("also_loads_in": ["redis"])",
     kWritesThenSaves},
    {"run-log", "[ -e $1/appendonlydir ] || echo Out of memory", "",
     R"("run": {"log": {"absent": ["Out of memory"]}})"},
    {"recovery-faults",
     "[ ! -e $1/appendonlydir ] || { mv $1/appendonlydir $1/away; mv $1/away $1/appendonlydir; }",
     "", R"("guarantee": "durable")",
     R"(, "recovery": {"faults": [{"at": {"syscall": "rename", "path": "away", "phase": "after"},
                                   "do": {"kill": "tree"}}]})"},
    {"cycles", "echo >> $1/starts; [ $(wc -l < $1/starts) -lt 4 ] || rm -r $1/appendonlydir", "",
     R"("guarantee": "durable")", R"(, "recovery": {"cycles": 2})"},
};

std::string target_of(const Broken& broken) {
  return R"({"use": {"command": ["sh", "-c", ")" + std::string(broken.shell) +
         (*broken.shell == '\0' ? "" : "; ") + R"(dir=$1; shift; exec )" +
         CRASHPOINT_ENGINE_BINARY + " $0 " + broken.directives + R"( \"$@\"", "{config}", "{dir}"]},
      "config": {"appendonly": "yes", "appendfsync": "always", "aof-checksum": "no"}})";
}

class Checks : public testing::Test {
 protected:
  void write(const std::string& name, const std::string& target, const std::string& oracle,
             const std::string& more) const {
    std::ofstream(temp_.path() / (name + ".json"))
        << R"({"version": 1, "summary": "A test.", "name": ")" << name << R"(", "target": )"
        << target << R"(, "oracle": {)" << oracle << "}"
        << (more.find("workload") != std::string::npos
                ? ""
                : R"(, "workload": [{"commands": [["SET", "a", "1"], ["INCR", "n"]]}])")
        << more << "}";
  }

  Outcome run(const std::string& options = {}) const {
    return shell("CRASHPOINT_TMPDIR=" + shell_quote(temp_.path().string()) + " CRASHPOINT_ENGINE=" +
                 shell_quote(CRASHPOINT_ENGINE_BINARY) + " " + shell_quote(CRASHPOINT_BINARY) +
                 " run " + options + " " + shell_quote(temp_.path().string()));
  }

  fs::path report() const { return temp_.path() / "report"; }
  std::string report_json() const {
    std::ostringstream json;
    json << std::ifstream(report() / "report.json").rdbuf();
    return json.str();
  }

  TemporaryDirectory temp_;
};

TEST_F(Checks, AreAllPassedByACorrectEngine) {
  write("good", R"({"use": "engine", "config": {"appendonly": "yes", "appendfsync": "always"}})",
        R"("start": "succeeds", "guarantee": "durable", "usable": true, "idempotent": true,
           "files": {"present": ["*.manifest"], "absent": ["temp-*"]},
           "log": {"absent": ["*Bad file format*"]},
           "info": {"aof_enabled": 1, "aof_last_write_status": "ok"},
           "also_loads_in": ["redis"], "tools": [["redis-check-aof", "{manifest}"]],
           "memory_mb_max": 512, "expect": {"keys": {"a": "1"}},
           "run": {"log": {"present": ["accept connections"], "absent": ["Out of memory"]}})",
        R"(, "recovery": {"cycles": 2, "faults": [
              {"at": {"syscall": "open", "path": "*.incr.aof"}, "do": {"kill": "tree"}}]})");
  // A fault can make a server drop one client: the writes acknowledged before that are judged.
  write("lost", R"({"use": "engine", "config": {"appendonly": "yes", "appendfsync": "always"}})",
        R"("guarantee": "durable")", R"(, "workload": [{"generate": {"count": 60, "clients": 2}}],
           "faults": [{"at": {"syscall": "send", "nth": 40}, "do": {"error": "ECONNRESET"}}])");
  const char* const log = R"({"config": {"appendonly": "yes", "appendfsync": "always"}})";
  write("buffered", log, R"("guarantee": {"buffered": {"seconds": 0.05}})", kWritesThenWaits);
  write("prefix", log, R"("guarantee": "prefix")", "");
  write("snapshot", R"({"config": {"appendonly": "no"}})", R"("guarantee": "snapshot")",
        kWritesThenSaves);
  const Outcome outcome = run("--report " + shell_quote(report().string()));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.output;
  EXPECT_THAT(report_json(), HasSubstr("\"the workload ended early, under faults: step 0"));
}

TEST_F(Checks, CatchTheTargetThatBreaksThem) {
  for (const Broken& broken : kBroken) {
    const std::string oracle = broken.oracle;
    const auto unless = [&](const char* key, const char* member) {
      return oracle.find(key) == std::string::npos ? std::string(member) : std::string();
    };
    const bool refuses = oracle.find("refuses") != std::string::npos;
    write(broken.check, target_of(broken),
          refuses ? oracle
                  : oracle + unless("guarantee", R"(, "guarantee": "none")") +
                        unless("usable", R"(, "usable": false)") +
                        unless("idempotent", R"(, "idempotent": false)"),
          broken.more);
  }
  const Outcome outcome = run();
  EXPECT_EQ(outcome.exit_code, 1) << outcome.output;
  for (const Broken& broken : kBroken) {
    EXPECT_THAT(outcome.output, HasSubstr(std::string("VIOLATION  ") + broken.check + "  "));
  }
}

// A server of which nothing is known but what it answers.
constexpr char kForeign[] =
    R"({"use": {"command": ["python3", "-u", "-c", "FOREIGN", "{port}", "{dir}"]}})";

TEST_F(Checks, ATargetOfWhichNothingIsKnownNeedsAGuarantee) {
  write("foreign", kForeign, "", "");
  const Outcome outcome = run();
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_THAT(outcome.output, HasSubstr("this command has no {config}"));
}

TEST_F(Checks, ATargetThatCannotBeReadSaysAtOnceWhatItLacks) {
  std::string target = kForeign;
  target.replace(
      target.find("FOREIGN"), 7,
      "import socket,sys\\ns=socket.create_server(('127.0.0.1',int(sys.argv[1])))\\n"
      "while True:\\n c,_=s.accept()\\n while True:\\n  d=c.recv(9999)\\n  if not d: break\\n"
      "  c.sendall(b'+PONG\\\\r\\\\n' if b'PING' in d else b'-ERR unknown command\\\\r\\\\n')");
  write("foreign", target, R"("guarantee": "durable")", "");
  const Outcome outcome = run();
  EXPECT_EQ(outcome.exit_code, 3) << outcome.output;
  EXPECT_THAT(outcome.output, HasSubstr("INFO keyspace (answered -ERR unknown command"));
  EXPECT_THAT(outcome.output, HasSubstr("SCAN 0 COUNT 1000"));
  EXPECT_THAT(outcome.output, HasSubstr("scenarios/README.md lists what a target must answer"));
}

// The example of scenarios/README.md, with `changed` in place of `original` in the server.
void copy_own_server(const fs::path& to, const std::string& original, const std::string& changed) {
  const fs::path from = CRASHPOINT_SOURCE_DIR "/scenarios/_own-server";
  fs::copy(from / "every-crash.json", to);
  fs::copy(from / "kill.json", to);
  std::ostringstream text;
  text << std::ifstream(from / "server.py").rdbuf();
  std::string server = text.str();
  if (!original.empty()) {
    ASSERT_NE(server.find(original), std::string::npos);
    server.replace(server.find(original), original.size(), changed);
  }
  std::ofstream(to / "server.py") << server;
}

TEST_F(Checks, AServerThatIsNotRedisPassesIfItKeepsItsPromise) {
  copy_own_server(temp_.path(), "", "");
  const Outcome outcome = run();
  EXPECT_EQ(outcome.exit_code, 0) << outcome.output;
  EXPECT_THAT(outcome.output, HasSubstr("2 cases: 2 passed"));
}

TEST_F(Checks, AServerThatIsNotRedisAndDoesNotSyncIsCaught) {
  copy_own_server(temp_.path(), "os.fsync(log.fileno())", "pass");
  const Outcome outcome = run();
  EXPECT_EQ(outcome.exit_code, 1) << outcome.output;
  EXPECT_THAT(outcome.output, HasSubstr("log was not synced"));
}

TEST_F(Checks, AnEvictingTargetIsNotHeldToItsKeys) {
  write("evicts",
        R"({"use": "engine", "config": {"appendonly": "yes", "maxmemory": "3mb",
            "maxmemory-policy": "allkeys-random"}})",
        R"("guarantee": "none")",
        R"(, "workload": [{"generate": {"count": 2000, "clients": 1, "keys": 1500,
              "value_bytes": [2000, 2000], "mix": {"SET": 1}}}])");
  const Outcome outcome = run("--report " + shell_quote(report().string()));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.output;
  EXPECT_THAT(report_json(), HasSubstr("the target may drop keys at any time"));
}

// Writes that do not go through system calls cannot be judged: the report says so, and the case is no pass.
TEST_F(Checks, ReportWhatTheTraceCouldNotSeeInFull) {
  write("unseen",
        R"({"use": {"command": [")" CRASHPOINT_TEST_PROGRAMS R"(/unseen", "{dir}", ")" +
            std::string(CRASHPOINT_ENGINE_BINARY) +
            R"(", "{config}"]}, "config": {"appendonly": "yes", "appendfsync": "always"}})",
        R"("idempotent": false, "usable": false)", "");
  const Outcome outcome = run("--report " + shell_quote(report().string()));
  EXPECT_EQ(outcome.exit_code, 3) << outcome.output;
  EXPECT_THAT(outcome.output, HasSubstr("not all that the target did could be seen: "));
  const auto noted = [json = report_json()](const std::string& text) {
    return json.find('"' + text) != std::string::npos;
  };
  EXPECT_TRUE(noted("mapped is mapped shared and writable"));
  EXPECT_TRUE(noted("made-writable is mapped shared and writable"));
  EXPECT_EQ(noted("direct is opened with O_DIRECT"), ptrace::can_open_direct(temp_.path()));
  EXPECT_EQ(noted("io_uring was answered ENOSYS"), ptrace::can_use_io_uring());
}

TEST_F(Checks, AreNotPassedByATargetThatKeepsItsDataElsewhere) {
  const TemporaryDirectory elsewhere;
  const auto write_case = [&](const std::string& name, const char* oracle, const char* more) {
    std::filesystem::create_directory(elsewhere.path() / name);
    write(name,
          R"({"use": {"command": ["sh", "-c", "exec )" + std::string(CRASHPOINT_ENGINE_BINARY) +
              " $0 --dir " + (elsewhere.path() / name).string() +
              R"(", "{config}"]}, "config": {"appendonly": "yes"}})",
          oracle, more);
  };
  write_case("killed", "", "");
  write_case("powerless", "", R"(, "crash": "power-loss")");
  write_case("nothing-promised", R"("guarantee": "none")", "");
  const Outcome outcome = run();
  EXPECT_EQ(outcome.exit_code, 3) << outcome.output;
  for (const char* const name : {"killed", "powerless"}) {
    EXPECT_THAT(outcome.output, HasSubstr(std::string("INCONCLUSIVE  ") + name));
  }
  EXPECT_THAT(outcome.output, HasSubstr("3 cases: 2 inconclusive, 1 passed"));
  EXPECT_THAT(outcome.output, HasSubstr("no change of its data directory was seen: it wrote to " +
                                        (elsewhere.path() / "killed").string()));
}

}  // namespace
}  // namespace crashpoint::cli
