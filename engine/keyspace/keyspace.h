// All databases of a server: memory only, one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "engine/keyspace/database.h"
#include "engine/keyspace/encoding_limits.h"

namespace engine::keyspace {

class Keyspace {
 public:
  explicit Keyspace(int databases = 16);
  ~Keyspace();
  Keyspace(const Keyspace&) = delete;
  Keyspace& operator=(const Keyspace&) = delete;

  int count() const { return static_cast<int>(databases_.size()); }
  Database& database(int index) { return *databases_[static_cast<std::size_t>(index)]; }
  const Database& database(int index) const { return *databases_[static_cast<std::size_t>(index)]; }
  void swap(int a, int b);
  void clear();
  // See lazy_free.h.
  void clear_lazily();
  void clear_lazily(int index);
  // The process is about to end: the destructor does not free the keys. The kernel frees in
  // milliseconds what would take seconds key by key.
  void leave_to_exit() { left_to_exit_ = true; }
  std::size_t size() const;  // keys in all databases
  // Bytes of the heap that keys, values and tables take.
  std::size_t memory_bytes() const;

  EncodingLimits limits;  // in force for every change from now on

 private:
  std::vector<std::unique_ptr<Database>> databases_;
  bool left_to_exit_ = false;
};

}  // namespace engine::keyspace
