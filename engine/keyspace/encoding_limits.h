// When a collection leaves its compact encoding: redis.conf's hash-max-listpack-entries,
// list-max-listpack-size, ...
#pragma once

#include <cstddef>
#include <cstdint>

namespace engine::keyspace {

struct EncodingLimits {
  std::size_t hash_max_listpack_entries = 512;
  std::size_t hash_max_listpack_value = 64;
  std::size_t set_max_intset_entries = 512;
  std::size_t zset_max_listpack_entries = 128;
  std::size_t zset_max_listpack_value = 64;
  // Positive: elements per node; -1 .. -5: 4, 8, 16, 32, 64 KiB per node.
  std::int64_t list_max_listpack_size = -2;
};

}  // namespace engine::keyspace
