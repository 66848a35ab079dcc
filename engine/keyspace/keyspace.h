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

  int count() const { return static_cast<int>(databases_.size()); }
  Database& database(int index) { return *databases_[static_cast<std::size_t>(index)]; }
  const Database& database(int index) const { return *databases_[static_cast<std::size_t>(index)]; }
  void swap(int a, int b);
  void clear();
  std::size_t size() const;  // keys in all databases
  // Bytes of the heap that keys, values and tables take.
  std::size_t memory_bytes() const;

  EncodingLimits limits;  // in force for every change from now on

 private:
  std::vector<std::unique_ptr<Database>> databases_;
};

}  // namespace engine::keyspace
