#include "harness/scenario/parse/directives.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <utility>

#include "harness/base/glob.h"
#include "harness/base/text.h"
#include "harness/scenario/parse/parse.h"

namespace crashpoint::scenario {
namespace {

using Words = std::vector<std::string>;

constexpr std::string_view kBlanks = " \t\r\n\v\f";

// ---- what is harmless

bool never(const Words& /*words*/) {
  return false;
}

bool is_one_of(const Words& words, std::initializer_list<std::string_view> allowed) {
  return words.size() == 1 &&
         std::find(allowed.begin(), allowed.end(), lower_case(words[0])) != allowed.end();
}

bool is_no(const Words& words) {
  return is_one_of(words, {"no"});
}

bool is_empty(const Words& words) {
  return words.empty() || is_one_of(words, {""});
}

bool is_zero(const Words& words) {
  return is_one_of(words, {"0"});
}

// The target is started in its data directory.
bool is_data_directory(const Words& words) {
  return is_one_of(words, {".", "./", "{dir}"});
}

bool is_port(const Words& words) {
  return is_one_of(words, {"{port}"});
}

bool is_socket(const Words& words) {
  return is_one_of(words, {"{socket}"});
}

bool is_no_one(const Words& words) {
  return words.size() == 2 && lower_case(words[0]) == "no" && lower_case(words[1]) == "one";
}

bool is_file_name(const Words& words) {
  return words.size() == 1 && !words[0].empty() && words[0] != "." && words[0] != ".." &&
         words[0].find('/') == std::string::npos;
}

// Empty, or a path that stays in the data directory.
bool is_inside(const Words& words) {
  if (is_empty(words)) {
    return true;
  }
  std::string_view path = words[0];
  if (path.starts_with("{dir}/")) {
    path.remove_prefix(std::string_view("{dir}/").size());
  }
  return words.size() == 1 && outside_problem(std::string(path)).empty();
}

struct Rule {
  std::string_view name;
  bool (*is_harmless)(const Words& words);
  std::string_view why;  // and what to do
};

constexpr std::string_view kListens =
    "crashpoint chooses where the target listens, so that it can reach it; remove this directive";
constexpr std::string_view kPassword =
    "crashpoint's clients log in with neither name nor password; remove this directive";
constexpr std::string_view kReplica =
    "a replica refuses writes and takes its data from another server; remove this directive";
constexpr std::string_view kReplicas =
    "the target has no replica, so it would refuse every write; allowed: 0";
constexpr std::string_view kFileName =
    "the target would write outside the directories that crashpoint watches, or not start; "
    "allowed: "
    "a name without '/', other than . and ..";

constexpr std::array kRules = {
    Rule{"aclfile", is_empty, kPassword},
    Rule{"appenddirname", is_file_name, kFileName},
    Rule{"appendfilename", is_file_name, kFileName},
    Rule{"bind", never, kListens},
    Rule{"cluster-enabled", is_no, "a cluster node serves no key until it owns slots; allowed: no"},
    Rule{"daemonize", is_no, "crashpoint watches the process that it starts; allowed: no"},
    Rule{"dbfilename", is_file_name, kFileName},
    Rule{"dir", is_data_directory,
         "crashpoint gives the target a data directory of its own and does not see what it writes "
         "elsewhere; remove this directive"},
    Rule{"include", never,
         "crashpoint does not see what that file sets; put its directives here instead"},
    Rule{"logfile", is_empty,
         "crashpoint reads the target's log from its standard output; remove this directive"},
    Rule{"min-replicas-to-write", is_zero, kReplicas},
    Rule{"min-slaves-to-write", is_zero, kReplicas},
    Rule{"pidfile", is_inside,
         "the target would write outside its data directory; remove this directive, or give the "
         "name of a file"},
    Rule{"port", is_port, kListens},
    Rule{"rename-command", never,
         "crashpoint and the workload use every command by its own name; remove this directive"},
    Rule{"replicaof", is_no_one, kReplica},
    Rule{"requirepass", is_empty, kPassword},
    Rule{"slaveof", is_no_one, kReplica},
    Rule{"syslog-enabled", is_no, "the target would write to the log of this machine; allowed: no"},
    Rule{"tls-port", is_zero, kListens},
    Rule{"unixsocket", is_socket, kListens},
    Rule{"user", never, kPassword},
};

// Programs whose options are directives of redis.conf.
constexpr std::array<std::string_view, 4> kRedisLike = {"crashpoint-engine", "keydb-server",
                                                        "redis-server", "valkey-server"};

bool is_redis_like(const std::string& program) {
  const std::string name = std::filesystem::path(program).filename().string();
  return std::find(kRedisLike.begin(), kRedisLike.end(), name) != kRedisLike.end();
}

bool is_directive_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  });
}

class Directives {
 public:
  explicit Directives(const Node& scenario) {
    if (const auto target = scenario.find("target")) {
      check_target(*target);
    }
    if (const auto recovery = scenario.find("recovery")) {
      if (const auto config = recovery->find("config")) {
        check_next_config(*config);
      }
    }
    if (const auto workload = scenario.find("workload")) {
      for (const Node& step : workload->items()) {
        check_step(step);
      }
    }
    if (evicting_ && limited_ && !promises_nothing(scenario)) {
      evicting_->problem(
          "with a limit of maxmemory this policy gives up keys on purpose, which cannot be told "
          "from "
          "a loss; allowed: noeviction, or \"oracle\": {\"guarantee\": \"none\"}");
    }
  }

 private:
  static bool promises_nothing(const Node& scenario) {
    const auto oracle = scenario.find("oracle");
    const auto guarantee = oracle ? oracle->find("guarantee") : std::nullopt;
    return guarantee && guarantee->is_text() && guarantee->text() == "none";
  }

  void check_target(const Node& target) {
    if (const auto config = target.find("config")) {
      for (const auto& [key, value] : config->members()) {
        check_config(lower_case(key), value);
      }
    }
    std::vector<Node> words;
    const auto use = target.find("use");
    const auto arguments = target.find("arguments");
    if (use && !use->is_text()) {
      const Node command = use->at("command");
      words = command.items();
      if (!tells_where_to_listen(command) && !(arguments && tells_where_to_listen(*arguments))) {
        command.problem(
            "it has none of {config}, {port} and {socket}, so crashpoint cannot reach the server; "
            "add the one that the program understands");
      }
      const auto program = std::find_if(
          words.begin(), words.end(), [](const Node& word) { return is_redis_like(word.text()); });
      if (program == words.end()) {
        return;  // its options mean what we do not know
      }
      words.erase(words.begin(), program + 1);
    }
    if (arguments) {
      const std::vector<Node> more = arguments->items();
      words.insert(words.end(), more.begin(), more.end());
    }
    check_options(words);
  }

  static bool tells_where_to_listen(const Node& words) {
    return std::any_of(words.json().begin(), words.json().end(), [](const Json& word) {
      const auto text = word.get<std::string>();
      return text.find("{config}") != std::string::npos ||
             text.find("{port}") != std::string::npos || text.find("{socket}") != std::string::npos;
    });
  }

  // What the first life wrote must be found by the next one.
  void check_next_config(const Node& config) {
    constexpr std::array<std::string_view, 3> kPlaces = {"appenddirname", "appendfilename",
                                                         "dbfilename"};
    for (const auto& [key, value] : config.members()) {
      const std::string name = lower_case(key);
      if (std::ranges::find(kPlaces, name) != kPlaces.end()) {
        value.problem_at_key(
            fmt::format("\"{}\" would hide from the next start what the first one wrote; say it in "
                        "\"target\": {{\"config\": ...}}, which holds for all starts",
                        name));
      }
      check_config(name, value);
    }
  }

  void check_config(const std::string& name, const Node& value) {
    if (!is_directive_name(name)) {
      value.problem_at_key(
          fmt::format("found the directive \"{}\"; allowed: a name of letters, digits and - _ .",
                      shorten(name)));
      return;
    }
    if (!value.json().is_array()) {
      check_text(name, parse_bytes(value), value);
      return;
    }
    for (const Node& item : value.items()) {
      check_text(name, item.text(), item);
    }
  }

  void check_text(const std::string& name, const std::string& value, const Node& at) {
    if (value.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) {
      at.problem(
          fmt::format("found \"{}\"; allowed: one line without NUL; a directive that occurs "
                      "several times takes "
                      "a list",
                      shorten(value)));
      return;
    }
    const std::optional<Words> words = words_of_directive(value);
    if (!words) {
      at.problem(fmt::format("found {}; a quote in it is not closed, or not followed by a blank",
                             shorten(value)));
      return;
    }
    check(name, *words, at);
  }

  // "--name value value", or all of it in one word.
  void check_options(const std::vector<Node>& words) {
    for (std::size_t i = 0; i < words.size(); ++i) {
      const Node& at = words[i];
      const std::string option = at.text();
      if (!option.starts_with("--")) {
        continue;
      }
      Words values;
      while (i + 1 < words.size() && !words[i + 1].text().starts_with("--")) {
        values.push_back(words[++i].text());
      }
      const std::string text = option.substr(2);
      for (const std::string_view line : lines_of(text)) {
        Words all = words_of_directive(line).value_or(Words{});
        if (!all.empty()) {
          const std::string name = lower_case(all.front());
          all.erase(all.begin());
          if (line.data() + line.size() == text.data() + text.size()) {
            all.insert(all.end(), values.begin(), values.end());
          }
          check(name, all, at);
        }
      }
    }
  }

  void check_step(const Node& step) {
    if (const auto list = step.find("commands")) {
      for (const Node& command : list->items()) {
        check_command(command);
      }
    } else if (const auto admin = step.find("admin")) {
      check_command(*admin);
    }
  }

  void check_command(const Node& command) {
    const Json& first = command.json().front();
    const std::string name =
        lower_case(first.is_string() ? first.get<std::string>() : text_of(command.items().front()));
    if (name != "config" && name != "replicaof" && name != "slaveof") {
      return;
    }
    Words words;
    for (const Node& argument : command.items()) {
      words.push_back(text_of(argument));
    }
    if (name != "config") {
      check(name, {words.begin() + 1, words.end()}, command);
    } else if (words.size() > 1 && lower_case(words[1]) == "set") {
      for (std::size_t i = 2; i + 1 < words.size(); i += 2) {
        check(lower_case(words[i]), {words[i + 1]}, command.items()[i + 1]);
      }
    }
  }

  // A repeated text is none that matters, and may be large.
  static std::string text_of(const Node& argument) {
    return argument.json().is_object() && argument.json().contains("repeat")
               ? std::string()
               : parse_bytes(argument);
  }

  void check(const std::string& name, const Words& words, const Node& at) {
    const auto* const rule = std::find_if(kRules.begin(), kRules.end(),
                                          [&](const Rule& one) { return one.name == name; });
    if (rule != kRules.end() && !rule->is_harmless(words)) {
      at.problem(fmt::format("found {} \"{}\"; {}", name,
                             shorten(fmt::format("{}", fmt::join(words, " "))), rule->why));
    }
    if (name == "maxmemory" && words.size() == 1) {
      limited_ = limited_ || words[0].find_first_of("123456789") != std::string::npos;
    } else if (name == "maxmemory-policy" && !is_one_of(words, {"noeviction"})) {
      evicting_ = at;
    }
  }

  bool limited_ = false;          // by maxmemory
  std::optional<Node> evicting_;  // where it is said that keys may go
};

}  // namespace

std::optional<std::vector<std::string>> words_of_directive(std::string_view value) {
  Words words;
  std::size_t at = 0;
  const auto hex = [&](std::size_t i) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    const std::size_t digit =
        i < value.size() ? kDigits.find(lower_case(value.substr(i, 1))) : std::string_view::npos;
    return digit == std::string_view::npos ? -1 : static_cast<int>(digit);
  };
  while ((at = value.find_first_not_of(kBlanks, at)) != std::string_view::npos) {
    std::string word;
    char quote = 0;
    for (; at < value.size(); ++at) {
      const char c = value[at];
      if (quote == 0 && kBlanks.find(c) != std::string_view::npos) {
        break;
      }
      if (quote == 0 && (c == '"' || c == '\'')) {
        quote = c;
      } else if (quote != 0 && c == quote) {
        quote = 0;
        if (at + 1 < value.size() && kBlanks.find(value[at + 1]) == std::string_view::npos) {
          return std::nullopt;
        }
      } else if (quote == '"' && c == '\\' && hex(at + 2) >= 0 && hex(at + 3) >= 0 &&
                 value[at + 1] == 'x') {
        word += static_cast<char>(hex(at + 2) * 16 + hex(at + 3));
        at += 3;
      } else if (quote == '"' && c == '\\' && at + 1 < value.size()) {
        constexpr std::string_view kEscapes = "nrtba";
        constexpr std::string_view kMeaning = "\n\r\t\b\a";
        const std::size_t escape = kEscapes.find(value[++at]);
        word += escape == std::string_view::npos ? value[at] : kMeaning[escape];
      } else if (quote == '\'' && value.substr(at, 2) == "\\'") {
        word += value[++at];
      } else {
        word += c;
      }
    }
    if (quote != 0) {
      return std::nullopt;
    }
    words.push_back(std::move(word));
  }
  return words;
}

void check_directives(const Node& scenario) {
  Directives{scenario};
}

}  // namespace crashpoint::scenario
