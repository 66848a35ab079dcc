// One change of the data set as a command: how commands/ tells the append-only file of it.
#pragma once

#include <span>
#include <string_view>

namespace engine::keyspace {

// In the form in which it must be replayed: time made absolute, chance made certain.
struct Effect {
  int db = 0;  // the database it acts on
  std::span<const std::string_view> argv;
};

}  // namespace engine::keyspace
