#include "harness/scenario/parse/known_findings.h"

#include <fmt/format.h>

#include <filesystem>
#include <optional>

#include "harness/base/glob.h"
#include "harness/base/nearest.h"
#include "harness/base/text.h"
#include "harness/scenario/json/inherit.h"

namespace crashpoint::scenario {
namespace {

constexpr const char* kList = "/known_findings";

// Builds the list anew, entry by entry, each with its position in the file that it is from.
class Resolver {
 public:
  Resolver(Document& document, std::vector<Problem>& problems)
      : document_(document), original_(document), problems_(problems) {}

  void resolve() {
    const Json& json = original_.json();
    const auto list = json.find("known_findings");
    if (list == json.end() || !list->is_array()) {
      return;
    }
    document_.assign(kList, Json::array(), original_.value_position(kList));
    for (std::size_t i = 0; i < list->size(); ++i) {
      const std::string at = fmt::format("{}/{}", kList, i);
      const Json& item = (*list)[i];
      if (item.is_string()) {
        add_named(item.get<std::string>(), at, Json::object());
      } else if (item.is_object() && item.contains("from") && item["from"].is_string()) {
        add_named(item["from"].get<std::string>(), at + "/from", item);
      } else {
        document_.assign(next(), original_, at);
      }
    }
  }

  void add_file(const std::string& path) {
    if (!document_.json().contains("known_findings")) {
      document_.assign(kList, Json::array(), original_.value_position(""));
    }
    count_ = document_.json()["known_findings"].size();
    if (const std::optional<Document> file = read(path)) {
      for (const auto& [name, entry] : file->json()["findings"].items()) {
        add_entry(*file, name, Json::object());
      }
    }
  }

 private:
  std::string next() { return fmt::format("{}/{}", kList, count_++); }

  // "cases" and "sometimes" of `item` replace those of the entries.
  void add_named(const std::string& reference, const std::string& at, const Json& item) {
    const auto fail = [&](const std::string& text) {
      problems_.push_back(problem_at(original_.value_position(at), at, text));
    };
    const std::size_t hash = reference.rfind('#');
    if (hash == std::string::npos || hash == 0 || hash + 1 == reference.size()) {
      fail(
          fmt::format("found \"{}\"; allowed: FILE#NAME, with the path of a file of known findings "
                      "relative to this one and the name (or a glob) of an entry in it",
                      shorten(reference)));
      return;
    }
    const std::filesystem::path path =
        std::filesystem::path(original_.file()).parent_path() / reference.substr(0, hash);
    std::error_code error;
    if (!std::filesystem::exists(path, error)) {
      fail(fmt::format("there is no file {}", path.lexically_normal().string()));
      return;
    }
    const std::optional<Document> file = read(path.lexically_normal().string());
    if (!file) {
      return;
    }
    const std::string glob = reference.substr(hash + 1);
    std::vector<std::string> names;
    bool any = false;
    for (const auto& [name, entry] : file->json()["findings"].items()) {
      names.push_back(name);
      if (name_match(glob, name)) {
        add_entry(*file, name, item);
        any = true;
      }
    }
    if (!any) {
      const std::string meant = nearest(glob, names);
      fail(fmt::format("{} has no entry \"{}\"{}", file->file(), shorten(glob),
                       meant.empty() ? "" : fmt::format("; did you mean \"{}\"?", meant)));
    }
  }

  std::optional<Document> read(const std::string& path) {
    std::optional<Document> file = read_document(path, problems_);
    if (!file) {
      return std::nullopt;
    }
    const Json& json = file->json();
    const auto wrong = [&](const std::string& pointer, const std::string& text) {
      problems_.push_back(problem_at(file->value_position(pointer), pointer, text));
      return std::nullopt;
    };
    for (const auto& [key, value] : json.items()) {
      if (key != "$schema" && key != "target" && key != "version" && key != "findings") {
        return wrong(pointer_token(key), "unknown key; allowed: target, version, findings");
      }
    }
    if (!json.contains("target") || !json["target"].is_string()) {
      return wrong("/target",
                   "\"target\" is missing; allowed: the name of a target, such as "
                   "\"redis\"");
    }
    if (json.contains("version") && !json["version"].is_string()) {
      return wrong("/version", "allowed: a glob on the version of the target, such as \"7.0.*\"");
    }
    if (!json.contains("findings") || !json["findings"].is_object()) {
      return wrong("/findings", "\"findings\" is missing; allowed: an object of named entries");
    }
    for (const auto& [name, entry] : json["findings"].items()) {
      if (!entry.is_object()) {
        return wrong("/findings" + pointer_token(name), "allowed: an object");
      }
    }
    return file;
  }

  void add_entry(const Document& file, const std::string& name, const Json& item) {
    const std::string at = "/findings" + pointer_token(name);
    const std::string to = next();
    document_.assign(to, file, at);
    for (const char* key : {"target", "version"}) {
      if (file.json().contains(key)) {
        document_.assign(fmt::format("{}/{}", to, key), file, fmt::format("/{}", key));
      }
    }
    for (const char* key : {"cases", "sometimes"}) {
      if (item.contains(key)) {
        document_.assign(fmt::format("{}/{}", to, key), item[key], file.value_position(at));
      }
    }
  }

  Document& document_;
  const Document original_;
  std::vector<Problem>& problems_;
  std::size_t count_ = 0;
};

}  // namespace

void resolve_known_findings(Document& document, std::vector<Problem>& problems) {
  Resolver(document, problems).resolve();
}

void add_known_findings(Document& document, const std::string& path,
                        std::vector<Problem>& problems) {
  Resolver(document, problems).add_file(path);
}

std::vector<KnownFinding> parse_known_findings(const Node& node) {
  std::vector<KnownFinding> findings;
  for (const Node& item : node.items()) {
    KnownFinding finding;
    item.read("target", finding.target);
    item.read("version", finding.version);
    if (const auto cases = item.find("cases")) {
      finding.cases = cases->is_text() ? std::vector<std::string>{cases->text()}
                                       : cases->as<std::vector<std::string>>();
    }
    item.read("check", finding.check);
    item.read("cause", finding.cause);
    item.read("profiles", finding.profiles);
    item.read("found", finding.found);
    item.read("sometimes", finding.sometimes);
    item.read("reason", finding.reason);
    item.read("reference", finding.reference);
    if (finding.cause.empty() && finding.found.empty()) {
      item.problem(
          "allowed: \"cause\" with \"profiles\" (of a violation that a crash state shows), "
          "\"found\" (of any other), or all three");
    } else if (finding.cause.empty() != finding.profiles.empty()) {
      item.problem("\"cause\" needs \"profiles\", all that may permit it; \"found\" has none");
    }
    findings.push_back(std::move(finding));
  }
  return findings;
}

}  // namespace crashpoint::scenario
