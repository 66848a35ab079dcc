#include "engine/keyspace/object.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "engine/base/memory.h"
#include "engine/base/text.h"

namespace engine::keyspace {
namespace {

constexpr std::size_t kShortBytesMax = 44;  // what Redis embeds in its object: "embstr"

}  // namespace

std::string_view type_name(Type type) {
  switch (type) {
    case Type::kString:
      return "string";
    case Type::kList:
      return "list";
    case Type::kSet:
      return "set";
    case Type::kSortedSet:
      return "zset";
    case Type::kHash:
      return "hash";
  }
  return "";
}

Object Object::string(std::string_view text) {
  Object object(Type::kString, Form::kInteger);
  object.assign(text);
  return object;
}

Object Object::integer(std::int64_t value) {
  Object object(Type::kString, Form::kInteger);
  object.integer_ = value;
  return object;
}

Object Object::verbatim_string(std::string_view text) {
  Object object(Type::kString, Form::kRaw);
  char* bytes = object.resize(text.size());
  if (!text.empty()) {
    std::memcpy(bytes, text.data(), text.size());
  }
  object.form_ = text.size() <= kShortBytesMax ? Form::kShort : Form::kRaw;
  return object;
}

Object Object::list(std::unique_ptr<List> value) {
  Object object(Type::kList, Form::kCollection);
  object.pointer_ = value.release();
  return object;
}

Object Object::set(std::unique_ptr<Set> value) {
  Object object(Type::kSet, Form::kCollection);
  object.pointer_ = value.release();
  return object;
}

Object Object::hash(std::unique_ptr<Hash> value) {
  Object object(Type::kHash, Form::kCollection);
  object.pointer_ = value.release();
  return object;
}

Object Object::sorted_set(std::unique_ptr<SortedSet> value) {
  Object object(Type::kSortedSet, Form::kCollection);
  object.pointer_ = value.release();
  return object;
}

// NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): of the union, pointer_ stands for all
Object::Object(Object&& other) noexcept
    : pointer_(other.pointer_),
      size_(other.size_),
      access_(other.access_),
      type_(other.type_),
      form_(other.form_) {
  other.form_ = Form::kNone;
}

Object& Object::operator=(Object&& other) noexcept {
  if (this != &other) {
    reset();
    pointer_ = other.pointer_;
    size_ = other.size_;
    access_ = other.access_;
    type_ = other.type_;
    form_ = other.form_;
    other.form_ = Form::kNone;
  }
  return *this;
}

void Object::reset() {
  switch (form_) {
    case Form::kNone:
    case Form::kInteger:
      break;
    case Form::kShort:
    case Form::kRaw:
      memory::release(bytes_);
      break;
    case Form::kCollection:
      switch (type_) {
        case Type::kString:
          break;
        case Type::kList:
          delete &list();
          break;
        case Type::kSet:
          delete &set();
          break;
        case Type::kSortedSet:
          delete &sorted_set();
          break;
        case Type::kHash:
          delete &hash();
          break;
      }
  }
  form_ = Form::kNone;
}

Object Object::clone() const {
  switch (type_) {
    case Type::kString:
      break;
    case Type::kList:
      return list(list().clone());
    case Type::kSet:
      return set(set().clone());
    case Type::kSortedSet:
      return sorted_set(sorted_set().clone());
    case Type::kHash:
      return hash(hash().clone());
  }
  if (is_integer()) {
    return integer(integer_);
  }
  Object copy = verbatim_string({bytes_, size_});
  copy.form_ = form_;
  return copy;
}

std::string_view Object::encoding_name() const {
  switch (type_) {
    case Type::kString:
      if (is_integer()) {
        return "int";
      }
      return form_ == Form::kShort ? "embstr" : "raw";
    case Type::kList:
      return "quicklist";
    case Type::kSet:
      return set().is_intset() ? "intset" : "hashtable";
    case Type::kSortedSet:
      return sorted_set().is_listpack() ? "listpack" : "skiplist";
    case Type::kHash:
      return hash().is_listpack() ? "listpack" : "hashtable";
  }
  return "";
}

std::size_t Object::size() const {
  switch (type_) {
    case Type::kString:
      return text().text().size();
    case Type::kList:
      return list().size();
    case Type::kSet:
      return set().size();
    case Type::kSortedSet:
      return sorted_set().size();
    case Type::kHash:
      return hash().size();
  }
  return 0;
}

std::size_t Object::memory_bytes(std::size_t samples) const {
  switch (type_) {
    case Type::kString:
      return is_integer() ? 0 : memory::usable_size(bytes_);
    case Type::kList:
      return list().memory_bytes();
    case Type::kSet:
      return set().memory_bytes(samples);
    case Type::kSortedSet:
      return sorted_set().memory_bytes(samples);
    case Type::kHash:
      return hash().memory_bytes(samples);
  }
  return 0;
}

Element Object::text() const {
  return is_integer() ? Element(integer_) : Element(std::string_view(bytes_, size_));
}

char* Object::resize(std::size_t size) {
  if (is_integer()) {
    const Digits digits(integer_);
    size_ = static_cast<std::uint32_t>(digits.view().size());
    bytes_ = static_cast<char*>(memory::allocate(std::max(size, digits.view().size())));
    std::memcpy(bytes_, digits.view().data(), size_);
  }
  form_ = Form::kRaw;
  if (size > memory::usable_size(bytes_)) {
    // Room for as much again (up to 1 MiB), so that appending bit by bit copies little.
    constexpr std::size_t kSpareMax = 1 << 20;
    const std::size_t spare = size_ == 0 ? 0 : std::min(size, kSpareMax);
    bytes_ = static_cast<char*>(memory::reallocate(bytes_, size + spare));
  }
  if (size > size_) {
    std::memset(bytes_ + size_, 0, size - size_);
  }
  size_ = static_cast<std::uint32_t>(size);
  return bytes_;
}

void Object::assign(std::string_view text) {
  if (const std::optional<std::int64_t> integer = parse_int64(text)) {
    assign(*integer);
    return;
  }
  if (is_integer()) {
    bytes_ = nullptr;
  }
  const std::size_t held = memory::usable_size(bytes_);
  if (text.size() > held || text.size() + 64 < held / 2) {
    memory::release(bytes_);
    bytes_ = static_cast<char*>(memory::allocate(text.size()));
  }
  form_ = text.size() <= kShortBytesMax ? Form::kShort : Form::kRaw;
  size_ = static_cast<std::uint32_t>(text.size());
  if (!text.empty()) {
    std::memcpy(bytes_, text.data(), text.size());
  }
}

void Object::assign(std::int64_t value) {
  if (!is_integer()) {
    memory::release(bytes_);
    form_ = Form::kInteger;
  }
  integer_ = value;
}

}  // namespace engine::keyspace
