// A value of any type, 16 bytes: what a key maps to.
//
// A string is held here (an integer in place, other bytes in one heap block); a collection is a
// heap object of its class. An Object owns what it holds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "engine/base/check.h"
#include "engine/keyspace/element.h"
#include "engine/keyspace/hash.h"
#include "engine/keyspace/list.h"
#include "engine/keyspace/set.h"
#include "engine/keyspace/sorted_set.h"

namespace engine::keyspace {

enum class Type : std::uint8_t { kString = 0, kList = 1, kSet = 2, kSortedSet = 3, kHash = 4 };

// "string", "list", "set", "zset", "hash": the reply to TYPE.
std::string_view type_name(Type type);

class Object {
 public:
  // An integer when `text` is the canonical decimal of one, else the bytes.
  static Object string(std::string_view text);
  static Object integer(std::int64_t value);
  // The bytes as they are, even if they read as an integer (what INCRBYFLOAT leaves).
  static Object verbatim_string(std::string_view text);
  static Object list(std::unique_ptr<List> value);
  static Object set(std::unique_ptr<Set> value);
  static Object hash(std::unique_ptr<Hash> value);
  static Object sorted_set(std::unique_ptr<SortedSet> value);

  ~Object() { reset(); }
  Object(Object&& other) noexcept;
  Object& operator=(Object&& other) noexcept;
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;
  Object clone() const;  // a deep copy

  Type type() const { return type_; }
  // int, embstr, raw, quicklist, intset, hashtable, listpack or skiplist, as Redis 7.0 reports it.
  std::string_view encoding_name() const;
  // Elements of a collection, bytes of a string.
  std::size_t size() const;
  // Heap bytes it takes, the Object itself not counted. Walks at most `samples` elements of a
  // collection and extrapolates (0: all of them).
  std::size_t memory_bytes(std::size_t samples = 5) const;

  // Strings. text() of an integer lives as long as the Element.
  bool is_integer() const { return form_ == Form::kInteger; }
  std::int64_t integer_value() const {
    ENGINE_DCHECK(is_integer());
    return integer_;
  }
  Element text() const;
  // Makes room for `size` bytes (new ones are zero) and lets the caller change them: the value is
  // raw from now on.
  char* resize(std::size_t size);
  void assign(std::string_view text);  // as string(), reusing the block
  void assign(std::int64_t value);

  // Collections; the type must be right.
  List& list() { return *static_cast<List*>(collection(Type::kList)); }
  Set& set() { return *static_cast<Set*>(collection(Type::kSet)); }
  Hash& hash() { return *static_cast<Hash*>(collection(Type::kHash)); }
  SortedSet& sorted_set() { return *static_cast<SortedSet*>(collection(Type::kSortedSet)); }
  const List& list() const { return *static_cast<const List*>(collection(Type::kList)); }
  const Set& set() const { return *static_cast<const Set*>(collection(Type::kSet)); }
  const Hash& hash() const { return *static_cast<const Hash*>(collection(Type::kHash)); }
  const SortedSet& sorted_set() const {
    return *static_cast<const SortedSet*>(collection(Type::kSortedSet));
  }

  // 24 bits for the eviction policy: seconds of last use under LRU, minutes and a logarithmic
  // counter under LFU (access_clock.h).
  std::uint32_t access() const { return access_; }
  void set_access(std::uint32_t access) { access_ = access & 0xffffff; }

 private:
  enum class Form : std::uint8_t { kNone, kInteger, kShort, kRaw, kCollection };
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): the union is initialised
  Object(Type type, Form form) : type_(type), form_(form) {}
  void reset();
  void* collection(Type type) const {
    ENGINE_DCHECK(type_ == type && form_ == Form::kCollection, type_, type);
    return pointer_;
  }

  union {
    std::int64_t integer_;     // NOLINT(readability-identifier-naming)
    char* bytes_;              // NOLINT(readability-identifier-naming)
    void* pointer_ = nullptr;  // NOLINT(readability-identifier-naming)
  };
  std::uint32_t size_ = 0;  // of a string in bytes
  std::uint32_t access_ : 24 = 0;
  Type type_ : 4 = Type::kString;
  Form form_ : 4 = Form::kNone;
};
static_assert(sizeof(Object) == 16);

}  // namespace engine::keyspace
