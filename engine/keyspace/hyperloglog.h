// HyperLogLog: an estimate of how many different elements were added, in a string value. The bytes
// are those of redis-server 7.0.
//
//   offset  size
//   0       4     "HYLL"
//   4       1     encoding: 0 dense, 1 sparse
//   5       3     zero
//   8       8     the last estimate, little endian; with the highest bit set it is out of date
//   16            16384 registers, each of which holds 0 .. 63
//
// Dense: 6 bits a register, beginning with the lowest bits of a byte; 12288 bytes.
// Sparse: runs of equal registers, of which all together cover each register once:
//   00xxxxxx           x + 1 registers of 0
//   01xxxxxx xxxxxxxx  x + 1 registers of 0, high byte first
//   1vvvvvxx           x + 1 registers of v + 1
//
// A client can write any string that begins with such a header. What follows it is checked where
// it is read.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/keyspace/object.h"

namespace engine::keyspace {

class HyperLogLog {
 public:
  static constexpr std::size_t kRegisters = 16384;
  using Registers = std::array<std::uint8_t, kRegisters>;

  static Object create();  // nothing added yet, sparse
  // Whether the value is a string with a header as above, and a dense one of the right size.
  static bool is_one(const Object& value);
  static bool is_dense(const Object& value);  // of those for which is_one() holds
  // Raises each of `registers` to that of `value`, for which is_one() holds. False when it is
  // corrupted.
  [[nodiscard]] static bool merge(const Object& value, Registers& registers);
  static std::uint64_t estimate(const Registers& registers);

  // To be changed: borrows the value, for which is_one() holds and whose encoding becomes raw.
  explicit HyperLogLog(Object& value);

  std::optional<std::uint64_t> kept_estimate() const;  // nothing when it is out of date
  // Counts anew and keeps the result. Nothing when the value is corrupted.
  std::optional<std::uint64_t> renew_estimate();
  void outdate_estimate();

  enum class Added : std::uint8_t { kNothing, kChanged, kCorrupted };
  // A sparse one that would take more than `sparse_bytes_max` becomes dense.
  Added add(std::string_view element, std::size_t sparse_bytes_max);
  Added raise(std::size_t index, std::uint8_t count, std::size_t sparse_bytes_max);
  [[nodiscard]] bool to_dense();  // false when it is corrupted
  // The runs of a sparse one as text: "z:n" and "Z:n" for n zeros, "v:value,n".
  std::string runs_text() const;

 private:
  bool is_dense() const { return is_dense(value_); }
  std::string_view bytes() const;
  std::uint8_t* mutable_bytes();
  Added raise_dense(std::size_t index, std::uint8_t count);
  Added raise_sparse(std::size_t index, std::uint8_t count, std::size_t sparse_bytes_max);
  Added promote(std::size_t index, std::uint8_t count);
  void join_runs(std::size_t from);

  Object& value_;
};

}  // namespace engine::keyspace
