#include "harness/report/bundle.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <functional>
#include <iterator>
#include <limits>
#include <system_error>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "harness/base/error.h"
#include "harness/base/text.h"
#include "harness/base/written_files.h"
#include "harness/crash/image/image.h"
#include "harness/crash/image/lay_out.h"
#include "harness/report/case_text.h"
#include "harness/report/dumps_json.h"
#include "harness/report/history_json.h"
#include "harness/report/report_json.h"

namespace crashpoint::report {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using oracle::Guarantee;

constexpr std::string_view kFormat = kBundleFormat;
constexpr int kFormatVersion = 1;
constexpr std::size_t kEntriesInReadme = 20;
constexpr std::size_t kNameMax = 100;

constexpr std::array<std::pair<Guarantee::Kind, const char*>, 5> kGuarantees = {
    {{Guarantee::Kind::kDurable, "durable"},
     {Guarantee::Kind::kBuffered, "buffered"},
     {Guarantee::Kind::kPrefix, "prefix"},
     {Guarantee::Kind::kSnapshot, "snapshot"},
     {Guarantee::Kind::kNone, "none"}}};

Json from_guarantee(const Guarantee& guarantee) {
  Json object;
  for (const auto& [kind, name] : kGuarantees) {
    if (kind == guarantee.kind) {
      object["kind"] = name;
    }
  }
  object["seconds"] = guarantee.seconds;
  object["unlisted_snapshots"] = guarantee.unlisted_snapshots;
  return object;
}

Guarantee to_guarantee(const Json& object) {
  const auto name = object.at("kind").get<std::string>();
  for (const auto& [kind, known] : kGuarantees) {
    if (name == known) {
      return {kind, object.at("seconds").get<double>(),
              object.at("unlisted_snapshots").get<bool>()};
    }
  }
  throw std::runtime_error(fmt::format("'{}' is not a guarantee", printable(name)));
}

// Omits numbers that have their default, the end of the history.
Json from_crash(const oracle::CrashMoment& crash) {
  Json object = Json::object();
  if (crash.position != trace::kNever) {
    object["position"] = crash.position;
  }
  if (crash.at_ns != oracle::CrashMoment{}.at_ns) {
    object["at_ns"] = crash.at_ns;
  }
  if (crash.sync_began_ns != oracle::CrashMoment{}.sync_began_ns) {
    object["sync_began_ns"] = crash.sync_began_ns;
  }
  return object;
}

oracle::CrashMoment to_crash(const Json& object) {
  const oracle::CrashMoment end;
  return {object.value("position", end.position), object.value("at_ns", end.at_ns),
          object.value("sync_began_ns", end.sync_began_ns)};
}

std::string encode_head(const Bundle& bundle) {
  Json head = {{"format", kFormat},
               {"format_version", kFormatVersion},
               {"version", printable(bundle.version)},
               {"target", printable(bundle.target)},
               {"crash_state", printable(bundle.crash_state)},
               {"guarantee", from_guarantee(bundle.guarantee)},
               {"crash", from_crash(bundle.crash)},
               {"case", Json::parse(encode_case(bundle.result))}};
  if (!bundle.path.empty()) {
    head["path"] = printable(bundle.path);
  }
  return head.dump(1) + "\n";
}

void decode_head(const std::string& text, Bundle& bundle) {
  const Json head = Json::parse(text);
  if (!head.is_object() || !head.contains("format") || head["format"] != kFormat) {
    throw std::runtime_error(
        fmt::format("the key \"format\" is not \"{}\", so it is not a bundle", kFormat));
  }
  if (head.at("format_version") != kFormatVersion) {
    throw std::runtime_error(fmt::format(
        "it has format_version {}; this crashpoint reads {}; use the version of crashpoint that "
        "wrote it, {}",
        head["format_version"].dump(), kFormatVersion, head.value("version", std::string("?"))));
  }
  head.at("version").get_to(bundle.version);
  head.at("target").get_to(bundle.target);
  head.at("crash_state").get_to(bundle.crash_state);
  bundle.guarantee = to_guarantee(head.at("guarantee"));
  bundle.crash = to_crash(head.at("crash"));
  bundle.path = head.value("path", std::string());
  bundle.result = decode_case(head.at("case").dump());
}

std::string readme(const Bundle& bundle) {
  CaseResult result = bundle.result;
  result.reproduce.clear();  // its paths are those of the original machine
  return fmt::format(
      "{}\ntarget {}, found by crashpoint {}{}\n\n{}\n"
      "Recover this crash state again and judge it (give this directory, or a .tar.zst of it):\n"
      "\n    crashpoint reproduce .\n\n"
      "Run the whole case again, from its first command:\n"
      "\n    crashpoint run scenario.json --seed {}\n\n"
      "bundle.json      the case, its verdict, the guarantee\n"
      "scenario.json    a scenario with this case only\n"
      "history.jsonl    every command, its reply, and when it was acknowledged\n"
      "base-state.json  what the target held before the first command\n"
      "{}"
      "crash-state/     the data directory before recovery, byte for byte\n"
      "recovery.log     what the recovering target printed\n",
      printable(result.name), printable(bundle.target), printable(bundle.version),
      bundle.crash_state.empty() ? "" : "\ncrash state: " + printable(bundle.crash_state),
      describe_case(result, kEntriesInReadme), result.seed,
      bundle.dumps ? "dumps.json       what the dump printed before the run and after each step\n"
                   : "");
}

void write(const fs::path& path, const std::string& content) {
  std::ofstream file(path, std::ios::binary);
  file << content;
  file.close();
  if (!file) {
    throw EnvironmentError("cannot write " + path.string());
  }
}

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string content{std::istreambuf_iterator<char>(file), {}};
  if (!file.is_open() || file.bad()) {
    throw UsageError(
        fmt::format("{}: cannot be read; a bundle is a directory that crashpoint wrote, "
                    "or a .tar.zst of it",
                    path.string()));
  }
  return content;
}

constexpr std::array<const char*, 8> kEntries = {
    "README.txt",      "bundle.json", "scenario.json", "history.jsonl",
    "base-state.json", "dumps.json",  "recovery.log",  "crash-state"};

fs::path unfinished(const fs::path& folder) {
  return fmt::format("{}.{}.tmp", folder.string(), getpid());
}

// A directory whose name unfinished() may have made, with nothing but entries of a bundle.
bool is_unfinished(const fs::path& folder) {
  fs::path name = folder.filename();
  if (name.extension() != ".tmp") {
    return false;
  }
  const std::string pid = name.stem().extension().string();
  if (pid.size() < 2 || pid.find_first_not_of("0123456789", 1) != std::string::npos) {
    return false;
  }
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    if (std::find(kEntries.begin(), kEntries.end(), entry.path().filename()) == kEntries.end()) {
      return false;
    }
  }
  return !error;
}

template <typename Predicate>
void remove_those(const fs::path& folder, const Predicate& is_ours) {
  std::error_code missing;
  if (!fs::is_directory(folder, missing)) {
    return;
  }
  try {
    std::vector<fs::path> ours;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
      if (fs::is_directory(entry.symlink_status()) && is_ours(entry.path())) {
        ours.push_back(entry.path());
      }
    }
    for (const fs::path& bundle : ours) {
      for (const char* const entry : kEntries) {
        fs::remove_all(bundle / entry);
      }
      std::error_code not_empty;
      fs::remove(bundle, not_empty);
    }
  } catch (const fs::filesystem_error& error) {
    throw EnvironmentError(fmt::format("cannot remove the bundles of an earlier run: {}: {}",
                                       error.path1().string(), error.code().message()));
  }
}

// Adds the file's name to whatever `decode` throws.
template <typename Decode>
void read_into(const fs::path& path, Decode decode) {
  const std::string text = read(path);
  try {
    decode(text);
  } catch (const std::exception& error) {
    throw UsageError(fmt::format("{}: {}", path.string(), error.what()));
  }
}

}  // namespace

std::string bundle_name(const CaseResult& result) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._=,+-";
  std::string name = result.name.substr(0, kNameMax);
  for (char& c : name) {
    if (kPlain.find(c) == std::string_view::npos) {
      c = '-';
    }
  }
  const std::string identity = fmt::format("{}\n{}\n{}", result.name, result.target, result.seed);
  return fmt::format("{}-{}", name, crash::to_hex(crash::digest_of(identity)).substr(0, 8));
}

void write_bundle(const Bundle& bundle, const fs::path& folder) {
  const fs::path temp = unfinished(folder);
  try {
    fs::create_directories(temp);
    write(temp / "README.txt", readme(bundle));
    write(temp / "bundle.json", encode_head(bundle));
    write(temp / "scenario.json", bundle.scenario);
    write(temp / "history.jsonl", encode_history(bundle.history));
    write(temp / "base-state.json", encode_state(bundle.base));
    if (bundle.dumps) {
      write(temp / "dumps.json", encode_dumps(*bundle.dumps));
    }
    write(temp / "recovery.log", bundle.recovery_log);
    crash::lay_out(bundle.image, temp / "crash-state");
    fs::rename(temp, folder);
  } catch (const fs::filesystem_error& error) {
    std::error_code ignored;
    fs::remove_all(temp, ignored);
    throw EnvironmentError(
        fmt::format("cannot write the bundle {}: {}", folder.string(), error.code().message()));
  } catch (...) {
    std::error_code ignored;
    fs::remove_all(temp, ignored);
    throw;
  }
}

void remove_bundles(const fs::path& folder) {
  remove_those(folder, [](const fs::path& path) { return is_bundle(path) || is_unfinished(path); });
}

void remove_unfinished_bundles(const fs::path& folder) {
  remove_those(folder, is_unfinished);
}

Bundle read_bundle(const fs::path& folder) {
  Bundle bundle;
  read_into(folder / "bundle.json", [&](const std::string& text) { decode_head(text, bundle); });
  read_into(folder / "history.jsonl",
            [&](const std::string& text) { bundle.history = decode_history(text); });
  read_into(folder / "base-state.json",
            [&](const std::string& text) { bundle.base = decode_state(text); });
  if (fs::exists(folder / "dumps.json")) {
    read_into(folder / "dumps.json",
              [&](const std::string& text) { bundle.dumps = decode_dumps(text); });
  }
  bundle.scenario = read(folder / "scenario.json");
  bundle.recovery_log = read(folder / "recovery.log");
  if (!fs::is_directory(folder / "crash-state")) {
    throw UsageError(fmt::format("{}: no such directory", (folder / "crash-state").string()));
  }
  bundle.image = crash::read_directory(folder / "crash-state");
  return bundle;
}

}  // namespace crashpoint::report
