#include "harness/scenario/parse/parse.h"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "harness/base/glob.h"
#include "harness/base/nearest.h"
#include "harness/base/text.h"
#include "harness/scenario/parse/directives.h"
#include "harness/scenario/parse/known_findings.h"

namespace crashpoint::scenario {
namespace {

constexpr int kErrnoMax = 133;
constexpr std::uintmax_t kCopyBytesMax = std::uintmax_t{1} << 28;

std::string unhex(const std::string& digits) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
  }
  return bytes;
}

std::string repeat(const std::string& text, std::size_t times) {
  std::string bytes;
  bytes.reserve(text.size() * times);
  for (std::size_t i = 0; i < times; ++i) {
    bytes += text;
  }
  return bytes;
}

// The bytes of the file that `node` names, for the enclosing value `content`.
std::string copy_of(const Node& content, const Node& node) {
  const std::filesystem::path path = std::filesystem::path(node.file()).parent_path() / node.text();
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  std::ifstream file(path, std::ios::binary);
  if (error || !file) {
    node.problem(fmt::format("cannot read {}: {}", path.string(),
                             error ? error.message() : error_text(errno)));
    return {};
  }
  if (size > kCopyBytesMax) {
    node.problem(fmt::format("{} has {} bytes; allowed: at most {}", path.string(),
                             with_commas(size), with_commas(kCopyBytesMax)));
    return {};
  }
  std::ostringstream bytes;
  bytes << file.rdbuf();
  content.keep_copied(bytes.str());
  return bytes.str();
}

// The number up to `end` whose `name_of` is this text; 0 and a problem if there is none.
template <typename NameOf>
int number_by_name(const Node& node, int end, const char* what, NameOf name_of) {
  std::vector<std::string> names;
  for (int number = 1; number <= end; ++number) {
    const std::string name = name_of(number);
    if (name == node.text()) {
      return number;
    }
    if (!name.empty()) {
      names.push_back(name);
    }
  }
  const std::string meant = nearest(node.text(), names);
  node.problem(fmt::format("found \"{}\"; allowed: the name of {}{}", shorten(node.text()), what,
                           meant.empty() ? "" : fmt::format("; did you mean \"{}\"?", meant)));
  return 0;
}

Recovery parse_recovery(const Node& node, const Case& known) {
  Recovery recovery;
  node.read("deadline_ms", recovery.deadline_ms);
  node.read("cycles", recovery.cycles);
  if (const auto config = node.find("config")) {
    recovery.config = parse_config(*config);
  }
  if (const auto beside = node.find("beside")) {
    recovery.beside = beside->text() == "orphans"   ? Beside::kOrphans
                      : beside->text() == "stopped" ? Beside::kStopped
                                                    : Beside::kInstance;
  }
  if (const auto faults = node.find("faults")) {
    recovery.faults = parse_recovery_faults(*faults, known);
  }
  return recovery;
}

// What a target promises follows from its configuration, if it has one of ours.
void check_promise_is_known(const Node& root, const Case& out) {
  const auto mentions_config = [](const std::vector<std::string>& words) {
    return std::ranges::any_of(
        words, [](const std::string& word) { return word.find("{config}") != std::string::npos; });
  };
  if (out.target.use != "command" || out.oracle.guarantee || !out.oracle.starts ||
      mentions_config(out.target.command) || mentions_config(out.target.arguments)) {
    return;
  }
  root.at("target").at("use").problem(
      "this command has no {config}, so nothing is known of what the target promises; say it with "
      "\"oracle\": {\"guarantee\": ...}: \"durable\", \"prefix\", \"snapshot\", \"none\" or "
      "{\"buffered\": {\"seconds\": N}}");
}

// Rules that concern several parts of a scenario.
void check_combinations(const Node& root, const Case& out) {
  const bool many_states = out.crash.explore.has_value();
  if (many_states && !out.damage.empty()) {
    root.at("damage").problem_at_key(
        "damage needs the crash \"process-kill\" or \"power-loss\"; an exploration has torn and "
        "lost "
        "writes of its own");
  }
  if (many_states && !out.oracle.starts) {
    root.at("oracle").at("start").problem(
        "found \"refuses\"; an exploration is of states on which the target must start");
  }
  if (many_states && !out.recovery.faults.empty()) {
    root.at("recovery")
        .at("faults")
        .problem_at_key(
            "faults in recovery need the crash \"process-kill\" or \"power-loss\"; an exploration "
            "with "
            "\"depth\": 2 crashes each recovery at every crash point");
  }
  if (out.recovery.cycles > 1 && !out.recovery.config.empty()) {
    root.at("recovery")
        .at("cycles")
        .problem(fmt::format("found {}; with \"config\" there is one round: what the later ones "
                             "promise would depend on both configurations",
                             out.recovery.cycles));
  }
  if (out.recovery.cycles > 1 && (many_states || !out.damage.empty())) {
    root.at("recovery")
        .at("cycles")
        .problem(
            fmt::format("found {}; more than 1 needs the crash \"process-kill\" or \"power-loss\" "
                        "without damage",
                        out.recovery.cycles));
  }
}

}  // namespace

std::string parse_bytes(const Node& node) {
  if (node.is_text()) {
    return node.as<std::string>();
  }
  if (!node.json().is_object()) {
    return node.json().dump();
  }
  if (const auto digits = node.find("hex")) {
    return unhex(digits->text());
  }
  if (const auto text = node.find("repeat")) {
    return repeat(text->as<std::string>(), node.at("times").as<std::size_t>());
  }
  return copy_of(node, node.at("copy"));
}

std::vector<std::string> parse_texts(const Node& list) {
  std::vector<std::string> texts;
  for (const Node& item : list.items()) {
    texts.push_back(fill_in_seed(item.text(), item.seed()));
  }
  return texts;
}

void check_order(const Node& range, std::uint64_t from, std::uint64_t to) {
  if (from > to) {
    range.problem(fmt::format("found from {} to {}; allowed: the smaller number first", from, to));
  }
}

std::string parse_inside_path(const Node& node) {
  std::string problem = path_glob_problem(node.text());
  if (problem.empty()) {
    problem = outside_problem(node.text());
  }
  if (!problem.empty()) {
    node.problem(fmt::format("\"{}\" {}", shorten(node.text()), problem));
  }
  return node.text();
}

int parse_errno(const Node& node) {
  return number_by_name(node, kErrnoMax, "an errno, such as ENOSPC or EIO", [](int number) {
    const char* name = strerrorname_np(number);
    return name == nullptr ? std::string() : std::string(name);
  });
}

int parse_signal(const Node& node) {
  return number_by_name(node, SIGRTMIN - 1, "a signal, such as SIGKILL or SIGTERM", [](int number) {
    const char* name = sigabbrev_np(number);
    return name == nullptr ? std::string() : fmt::format("SIG{}", name);
  });
}

std::string fill_in_seed(const std::string& text, std::uint64_t seed) {
  constexpr std::string_view kSeed = "{seed}";
  std::string out = text;
  const std::string digits = std::to_string(seed);
  for (std::size_t at = out.find(kSeed); at != std::string::npos;
       at = out.find(kSeed, at + digits.size())) {
    out.replace(at, kSeed.size(), digits);
  }
  return out;
}

Files parse_files(const Node& node) {
  Files files;
  for (const auto& [path, content] : node.members()) {
    if (const std::string problem = outside_problem(path); !problem.empty()) {
      content.problem_at_key(fmt::format("\"{}\" {}", shorten(path), problem));
    }
    files[path] = parse_bytes(content);
  }
  return files;
}

void parse_case(const Node& root, Case& out) {
  root.read("summary", out.summary);
  root.read("tags", out.tags);
  out.seed = root.seed();
  const auto part = [&](const char* key, auto parse) {
    if (const std::optional<Node> node = root.find(key)) {
      parse(*node);
    }
  };
  part("target", [&](const Node& node) { out.target = parse_target(node); });
  part("files", [&](const Node& node) { out.files = parse_files(node); });
  const bool is_program = out.target.use == "program";
  if (!is_program) {
    part("workload", [&](const Node& node) { out.workload = parse_workload(node); });
  }
  out.workload.seed = out.seed;
  root.read("stall_ms", out.workload.stall_ms);
  part("faults", [&](const Node& node) { out.faults = parse_faults(node, out); });
  part("crash", [&](const Node& node) { out.crash = parse_crash(node); });
  part("damage", [&](const Node& node) { out.damage = parse_damage(node); });
  part("recovery", [&](const Node& node) { out.recovery = parse_recovery(node, out); });
  part("oracle", [&](const Node& node) { out.oracle = parse_oracle(node, out); });
  if (is_program) {
    parse_program(root, out);
  } else {
    refuse_commands_of_programs(root);
  }
  check_promise_is_known(root, out);
  part("known_findings",
       [&](const Node& node) { out.known_findings = parse_known_findings(node); });
  check_combinations(root, out);
  if (out.recovery.beside != Beside::kNothing && !is_program) {
    check_survivors(root, out);
  }
  if (!is_program) {
    check_directives(root);
  }
}

}  // namespace crashpoint::scenario
