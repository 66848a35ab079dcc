#include "harness/scenario/load/load.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <tuple>

#include "harness/base/error.h"
#include "harness/base/glob.h"
#include "harness/base/nearest.h"
#include "harness/base/random.h"
#include "harness/base/text.h"
#include "harness/scenario/json/inherit.h"
#include "harness/scenario/json/schema_check.h"
#include "harness/scenario/load/choose.h"
#include "harness/scenario/load/doubts.h"
#include "harness/scenario/load/each_call.h"
#include "harness/scenario/load/matrix.h"
#include "harness/scenario/load/stand_alone.h"
#include "harness/scenario/parse/known_findings.h"
#include "harness/scenario/parse/parse.h"

namespace crashpoint::scenario {
namespace {

constexpr std::size_t kProblemsShown = 50;
// Per file; a matrix can repeat a problem in every case, with other values.
constexpr std::size_t kProblemsPerFile = 200;

// `text` with a '-' for each run of bytes that the schema does not permit in a name.
std::string as_name(const std::string& text) {
  constexpr std::string_view kPermitted =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-";
  std::string name;
  bool replaced = false;
  for (const char c : text) {
    const bool permitted = kPermitted.find(c) != std::string_view::npos;
    if (permitted || !replaced) {
      name += permitted ? c : '-';
    }
    replaced = !permitted;
  }
  return name;
}

std::string default_name(const std::string& file) {
  std::error_code error;
  const std::filesystem::path found = std::filesystem::weakly_canonical(file, error);
  const std::filesystem::path path = error ? std::filesystem::path(file) : found;
  const std::string folder = as_name(path.parent_path().filename().string());
  return fmt::format("{}{}{}", folder, folder.empty() ? "" : "/", as_name(path.stem().string()));
}

// A key that the schema allows but no parser reads would be silently ignored: a bug of the loader.
void check_all_read(const Reading& reading, const Json& json, const std::string& pointer) {
  if (json.is_object()) {
    for (const auto& [key, value] : json.items()) {
      const std::string at = pointer + pointer_token(key);
      if (!reading.asked.contains(at)) {
        throw std::logic_error("the schema allows " + at + ", but the loader does not read it");
      }
      check_all_read(reading, value, at);
    }
  } else if (json.is_array()) {
    for (std::size_t i = 0; i < json.size(); ++i) {
      check_all_read(reading, json[i], fmt::format("{}/{}", pointer, i));
    }
  }
}

bool needs_failpoints(const Json& json) {
  const auto any = [](const Json& faults) {
    return std::any_of(faults.begin(), faults.end(), [](const Json& fault) {
      return fault.contains("at") && fault["at"].contains("failpoint");
    });
  };
  return any(json.value("faults", Json::array())) ||
         any(json.value(Json::json_pointer("/recovery/faults"), Json::array()));
}

bool tests_a_program(const Json& json) {
  const Json use = json.value(Json::json_pointer("/target/use"), Json());
  return use.is_object() && use.contains("program");
}

// Of --target: a program, which is started with the configuration of each case, or a command of several words as it is.
std::vector<std::string> command_of_target(const std::string& target) {
  std::error_code error;
  std::istringstream stream(target);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) {
    words.push_back(word);
  }
  return words.size() > 1 && !std::filesystem::exists(target, error)
             ? words
             : std::vector<std::string>{target, "{config}"};
}

// The cases of a matrix repeat problems at the same position.
void sort_and_deduplicate(std::vector<Problem>& problems) {
  const auto key = [](const Problem& p) {
    return std::tie(p.file, p.line, p.column, p.pointer, p.text);
  };
  std::sort(problems.begin(), problems.end(),
            [&](const Problem& a, const Problem& b) { return key(a) < key(b); });
  const auto same = [&](const Problem& a, const Problem& b) { return key(a) == key(b); };
  problems.erase(std::unique(problems.begin(), problems.end(), same), problems.end());
}

class Loader {
 public:
  explicit Loader(const LoadOptions& options) : options_(options) {}

  Loaded load(const std::vector<std::string>& paths) {
    const std::vector<std::string> files = find_files(paths, problems_);
    for (const std::string& file : files) {
      load_file(file);
    }
    loaded_.file_count = files.size();
    fail_on_problems(files.size());
    sort_and_deduplicate(loaded_.warnings);
    sort_by_name(loaded_.cases);
    if (loaded_.cases.empty()) {
      throw UsageError(nothing_left());
    }
    return std::move(loaded_);
  }

 private:
  void load_file(const std::string& file) {
    const std::size_t before = problems_.size();
    std::optional<Document> document = read_with_inherited(file, problems_);
    if (!document.has_value()) {
      return;
    }
    if (document->json().contains("extends") && document->json()["extends"].is_string()) {
      document->erase("extends");
    }
    resolve_known_findings(*document, problems_);
    check_matrix_form(*document);
    if (problems_.size() == before) {
      const std::optional<EachCall> each = find_each_call(*document, problems_);
      const Matrix matrix(*document, problems_);
      if (!each) {  // else the names are not known yet
        check_known_findings(*document, file, matrix);
      }
      if (!options_.known_findings.empty()) {
        add_known_findings(*document, options_.known_findings, problems_);
      }
      for (std::size_t i = 0; i < matrix.size() && problems_.size() - before <= kProblemsPerFile;
           ++i) {
        if (!options_.all && options_.filter.empty() && !matrix.is_sampled(i)) {
          ++loaded_.not_in_sample;
          continue;
        }
        if (each) {
          load_each(file, matrix, i, *each);
        } else {
          load_case(file, matrix.document(i), matrix.suffix(i), matrix.parameters(i));
        }
      }
      if (matrix.size() > 0) {
        return;
      }
    }
    document->erase("matrix");  // it cannot be expanded; the rest of the file may have more to say
    load_case(file, *document, "", {});
  }

  // The cases of a combination of the other parameters: one for each call.
  void load_each(const std::string& file, const Matrix& matrix, std::size_t number,
                 const EachCall& each) {
    const std::size_t before = problems_.size();
    const Document document = matrix.document(number);
    const std::string scenario = scenario_name(document, file);
    std::vector<Call> calls = kinds_of(each);
    if (options_.record_calls && !may_be_chosen(scenario)) {
      filtered_out_.push_back(scenario);
      return;
    }
    if (options_.record_calls) {
      // Made once for all combinations that differ in what the faults do.
      const Document faultless = without_faults(document, each);
      const auto [known, is_new] = recorded_.try_emplace(faultless.json().dump());
      if (is_new) {
        const std::optional<Case> of = parse_for_recording(file, faultless, scenario);
        known->second = of ? options_.record_calls(*of, each.wanted) : std::vector<Call>{};
      }
      calls = known->second;
      if (calls.empty() && problems_.size() == before) {
        problems_.push_back(problem_at(each.position, "/matrix" + pointer_token(each.pointer),
                                       "the target makes no such call"));
      }
    }
    const bool is_sampled = each.sample && !options_.all && options_.filter.empty();
    for (std::size_t i = 0; i < calls.size() && problems_.size() - before <= kProblemsPerFile;
         ++i) {
      if (is_sampled && !is_in_sample(i, calls.size(), *each.sample)) {
        ++loaded_.not_in_sample;
        continue;
      }
      Document with_place = document;
      with_place.assign(each.pointer, place_of(calls[i]), each.position);
      auto parameters = matrix.parameters(number);
      std::vector<std::string> words;
      for (auto& [name, value] : parameters) {
        if (value == kEachCall) {
          value = label_of(calls[i]);
        }
        words.push_back(fmt::format("{}={}", name, value));
      }
      const std::size_t loaded = loaded_.cases.size();
      load_case(file, std::move(with_place), fmt::format("[{}]", fmt::join(words, ",")),
                std::move(parameters));
      if (loaded_.cases.size() > loaded) {
        loaded_.cases.back().at_recorded_call = true;
      }
    }
  }

  // Whether a case of the scenario can match the filter: if not, nothing needs to be recorded.
  [[nodiscard]] bool may_be_chosen(const std::string& scenario) const {
    return options_.filter.empty() ||
           std::ranges::any_of(options_.filter, [&](const std::string& pattern) {
             const std::size_t bracket = pattern.find('[');
             return pattern.starts_with("tag:") ||
                    (bracket == std::string::npos && pattern.find('*') != std::string::npos) ||
                    name_match(pattern.substr(0, bracket), scenario);
           });
  }

  std::optional<Case> parse_for_recording(const std::string& file, Document document,
                                          const std::string& scenario) {
    const std::size_t before = problems_.size();
    check_schema(document, problems_);
    override_target(document);
    Case of;
    of.name = of.scenario = scenario;
    of.file = file;
    if (problems_.size() == before) {
      std::vector<Problem> warnings;
      Reading reading{document, problems_, warnings, seed_of(document), {}};
      parse_case(Node(reading, document.json(), ""), of);
    }
    return problems_.size() == before ? std::optional(std::move(of)) : std::nullopt;
  }

  std::uint64_t seed_of(const Document& document) const {
    return seed_of_round(options_.seed.value_or(document.json().value("seed", std::uint64_t{1})));
  }

  // A known finding must match a case, or it would never be reported as fixed.
  void check_known_findings(const Document& document, const std::string& file,
                            const Matrix& matrix) {
    const Json& json = document.json();
    const Json findings = json.value("known_findings", Json::array());
    for (std::size_t i = 0; findings.is_array() && i < findings.size(); ++i) {
      const std::string at = fmt::format("/known_findings/{}/cases", i);
      const Json* const cases = json.contains(Pointer(at)) ? &json[Pointer(at)] : nullptr;
      if (cases == nullptr || !(cases->is_string() || cases->is_array())) {
        continue;
      }
      const auto covers = [&](const std::string& name) {
        const auto matches = [&](const Json& glob) {
          return !glob.is_string() || name_match(glob.get<std::string>(), name);
        };
        return cases->is_string() ? matches(*cases)
                                  : std::any_of(cases->begin(), cases->end(), matches);
      };
      bool found = matrix.size() == 0;  // which is already a problem
      for (std::size_t j = 0; j < matrix.size() && !found; ++j) {
        found = covers(scenario_name(document, file) + matrix.suffix(j));
      }
      if (!found) {
        problems_.push_back(
            problem_at(document.value_position(at), at,
                       fmt::format("{} matches no case of this file",
                                   cases->is_string()
                                       ? fmt::format("\"{}\"", shorten(cases->get<std::string>()))
                                       : "none of the globs")));
      }
    }
  }

  static std::string scenario_name(const Document& document, const std::string& file) {
    const auto name = document.json().find("name");
    return name != document.json().end() && name->is_string() ? name->get<std::string>()
                                                              : default_name(file);
  }

  // Only the matrix, since it may add what the rest lacks.
  void check_matrix_form(const Document& document) {
    if (!document.json().contains("matrix")) {
      return;
    }
    std::vector<Problem> all;
    check_schema(document, all);
    std::copy_if(all.begin(), all.end(), std::back_inserter(problems_), [](const Problem& problem) {
      return problem.pointer == "/matrix" || problem.pointer.starts_with("/matrix/");
    });
  }

  void load_case(const std::string& file, Document document, const std::string& suffix,
                 std::vector<std::pair<std::string, std::string>> parameters) {
    const std::size_t before = problems_.size();
    check_schema(document, problems_);
    if (problems_.size() > before) {
      check_meaning_of_rest(document, before);
      return;
    }
    const std::string scenario = scenario_name(document, file);
    const std::string name = scenario + suffix;
    check_unique(document, scenario, name, file);
    if (!options_.target.empty() && options_.target != "engine" &&
        needs_failpoints(document.json())) {
      loaded_.left_out.push_back({name, "it uses failpoints, which only crashpoint-engine has"});
      return;
    }
    if (!options_.target.empty() && tests_a_program(document.json())) {
      loaded_.left_out.push_back({name, "its target is a program of its own"});
      return;
    }
    override_target(document);
    const std::uint64_t seed = seed_of(document);
    Reading reading{
        document, problems_, loaded_.warnings, seed, {"/$schema", "/version", "/name", "/seed"}};
    Case out;
    out.name = name;
    out.scenario = scenario;
    out.file = file;
    out.parameters = std::move(parameters);
    parse_case(Node(reading, document.json(), ""), out);
    if (options_.all && out.oracle.continues == Continues::kSampled) {
      out.oracle.continues = Continues::kAll;
    }
    if (problems_.size() == before) {
      check_all_read(reading, document.json(), "");
      if (is_chosen(out, options_.filter, options_.exclude)) {
        add_doubts(Node(reading, document.json(), ""), out);
        out.stand_alone = stand_alone(reading, scenario);
        loaded_.cases.push_back(std::move(out));
      } else {
        filtered_out_.push_back(scenario);
      }
    }
  }

  std::uint64_t seed_of_round(std::uint64_t seed) const {
    return options_.round == 0
               ? seed
               : derive_seed(seed, fmt::format("round/{}", options_.round)) & kSeedMax;
  }

  // Parses the top-level keys that satisfy the schema, to report their other problems as well. The
  // schema's problems start at `before`.
  void check_meaning_of_rest(Document& document, std::size_t before) {
    for (std::size_t i = before; i < problems_.size(); ++i) {
      const std::string key =
          Pointer(problems_[i].pointer).empty()
              ? std::string()
              : problems_[i].pointer.substr(1, problems_[i].pointer.find('/', 1) - 1);
      document.erase(key);
      if (key == "workload") {
        document.erase("faults");  // they refer to its steps
      }
    }
    Reading reading{document, problems_, loaded_.warnings, 1, {}};
    Case ignored;
    parse_case(Node(reading, document.json(), ""), ignored);
  }

  void override_target(Document& document) const {
    if (options_.target.empty()) {
      return;
    }
    const Json use = options_.target == "engine" || options_.target == "redis"
                         ? Json(options_.target)
                         : Json{{"command", command_of_target(options_.target)}};
    if (!document.json().contains("target")) {
      document.assign("/target", Json::object(), document.value_position(""));
    }
    document.assign("/target/use", use, document.value_position("/target/use"));
  }

  void check_unique(const Document& document, const std::string& scenario, const std::string& name,
                    const std::string& file) {
    const auto [known, is_new] = names_.emplace(name, file);
    if (!is_new) {
      problems_.push_back(problem_at(
          document.value_position("/name"), "/name",
          known->second == file
              ? fmt::format("two cases of this file have the name \"{}\"", name)
              : fmt::format("\"{}\" is also the name of {}; change the \"name\" of one of them",
                            scenario, printable(known->second))));
    }
  }

  void fail_on_problems(std::size_t file_count) {
    if (problems_.empty()) {
      return;
    }
    sort_and_deduplicate(problems_);
    std::set<std::string> files;
    std::string message;
    for (std::size_t i = 0; i < problems_.size(); ++i) {
      files.insert(problems_[i].file);
      if (i < kProblemsShown) {
        message += "\n" + to_string(problems_[i]);
      }
    }
    if (problems_.size() > kProblemsShown) {
      message += fmt::format("\n... and {} more", problems_.size() - kProblemsShown);
    }
    throw UsageError(fmt::format(
        "{} in {}; nothing was started:{}", counted(problems_.size(), "problem"),
        files.size() == 1 && file_count <= 1 ? *files.begin() : counted(files.size(), "file"),
        message));
  }

  std::string nothing_left() const {
    if (filtered_out_.empty()) {
      return loaded_.left_out.empty()
                 ? "no scenarios found"
                 : fmt::format("target \"{}\" can run none of the cases: {}", options_.target,
                               loaded_.left_out.front().reason);
    }
    std::string message = "no case matches --filter and --exclude";
    for (const std::string& pattern : options_.filter) {
      const std::string meant = nearest(pattern, filtered_out_);
      if (!meant.empty()) {
        message += fmt::format("; did you mean \"{}\"?", meant);
        break;
      }
    }
    return message;
  }

  const LoadOptions& options_;
  std::vector<Problem> problems_;
  std::map<std::string, std::string> names_;           // case -> file
  std::vector<std::string> filtered_out_;              // scenarios that the filter removed
  std::map<std::string, std::vector<Call>> recorded_;  // by the document without the faults
  Loaded loaded_;
};

}  // namespace

Loaded load(const std::vector<std::string>& paths, const LoadOptions& options) {
  return Loader(options).load(paths);
}

std::vector<std::string> scenario_files(const std::vector<std::string>& paths) {
  std::vector<Problem> problems;
  std::vector<std::string> files = find_files(paths, problems);
  if (!problems.empty()) {
    throw UsageError(to_string(problems.front()));
  }
  return files;
}

}  // namespace crashpoint::scenario
