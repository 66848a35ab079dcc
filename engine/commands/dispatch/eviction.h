// Makes room at maxmemory, by maxmemory-policy.
//
// Which key was used longest ago, or least often, is approximated as redis-server does: of a few
// keys taken by chance (maxmemory-samples), the best candidates are remembered from one time to the
// next. Which key expires first is known. An eviction is logged as a step of its own, before the
// command that needed the room.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/keyspace/database.h"

namespace engine::commands {

class ExecutorState;

class Eviction {
 public:
  explicit Eviction(ExecutorState& state) : state_(state) {}  // borrows it

  enum class Room : std::uint8_t {
    kEnough,
    kFreeing,  // not yet, but the time that maxmemory-eviction-tenacity gives is over
    kNone,     // and nothing that may be evicted
  };
  // Not while data is loaded or clients are paused: then there is enough.
  Room make_room();
  // Makes room in the following turns, until there is enough or nothing is left.
  void go_on() { is_behind_ = true; }
  bool is_behind() const { return is_behind_; }

 private:
  struct Candidate {
    std::uint64_t rank;  // the highest is evicted first
    int database;
    std::string key;
  };
  struct Victim {
    int database;
    keyspace::KeyEntry* entry;
  };

  Room evict();
  std::optional<Victim> choose();
  std::optional<Victim> choose_by_use();
  std::optional<Victim> choose_by_chance();
  std::optional<Victim> choose_by_time();
  bool take_samples();  // false when there is no key to be evicted
  void remember(Candidate candidate);
  std::size_t eligible(const keyspace::Database& database) const;
  keyspace::KeyEntry& sample(keyspace::Database& database);
  std::uint64_t rank_of(const keyspace::Object& value) const;
  void erase(const Victim& victim);
  void note_how_long(Room room);

  ExecutorState& state_;
  std::vector<Candidate> candidates_;  // ascending by rank
  int next_database_ = 0;              // random sampling visits the databases in turn
  bool is_behind_ = false;
};

}  // namespace engine::commands
