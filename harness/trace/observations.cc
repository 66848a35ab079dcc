#include "harness/trace/observations.h"

#include <utility>

namespace crashpoint::trace {

std::optional<std::string> Observations::origin(std::string_view path) const {
  for (std::string_view at = path;;) {
    if (const auto found = changed_.find(at); found != changed_.end()) {
      // Below a directory of their own there is nothing but what they put there.
      return at == path ? found->second : std::nullopt;
    }
    const std::size_t slash = at.rfind('/');
    if (slash == std::string_view::npos) {
      return std::string(path);
    }
    at = at.substr(0, slash);
  }
}

void Observations::look(Question::Of of, std::string_view path) {
  const std::optional<std::string> asked = origin(path);
  if (!asked) {
    return;
  }
  if (of == Question::Of::kNames) {
    if (listed_.insert(*asked).second) {
      questions_.push_back({of, *asked});
    }
    return;
  }
  const auto [known, is_new] = asked_.try_emplace(*asked, of);
  if (is_new || known->second < of) {
    known->second = of;
    questions_.push_back({of, *asked});
  }
}

void Observations::made(std::string_view path) {
  changed_.insert_or_assign(std::string(path), std::nullopt);
}

void Observations::renamed(std::string_view from, std::string_view to) {
  linked(from, to);
  made(from);
}

void Observations::exchanged(std::string_view a, std::string_view b) {
  std::optional<std::string> at_a = origin(a);
  changed_.insert_or_assign(std::string(a), origin(b));
  changed_.insert_or_assign(std::string(b), std::move(at_a));
}

void Observations::linked(std::string_view from, std::string_view to) {
  changed_.insert_or_assign(std::string(to), origin(from));
}

void Observations::give_up(std::string why) {
  if (gave_up_.empty()) {
    gave_up_ = std::move(why);
  }
}

}  // namespace crashpoint::trace
