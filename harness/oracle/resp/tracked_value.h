// Values of the reference model: the plain containers of state.h, each with its digest kept up to
// date by every change.
#pragma once

#include <string>
#include <utility>
#include <variant>

#include "harness/oracle/resp/digest.h"
#include "harness/target/state.h"

namespace crashpoint::oracle {

class TrackedString {
 public:
  TrackedString() : TrackedString(std::string()) {}
  explicit TrackedString(std::string text) : text_(std::move(text)), digest_(hash_bytes(text_)) {}
  [[nodiscard]] const std::string& get() const { return text_; }
  [[nodiscard]] Digest digest() const { return digest_; }
  [[nodiscard]] bool empty() const { return false; }  // an empty string is a value

 private:
  std::string text_;
  Digest digest_;
};

class TrackedList {
 public:
  TrackedList() = default;
  explicit TrackedList(target::List items) : items_(std::move(items)) {
    for (const std::string& item : items_) {
      digest_.push_back(hash_bytes(item));
    }
  }
  [[nodiscard]] const target::List& get() const { return items_; }
  [[nodiscard]] Digest digest() const { return digest_.value(); }
  [[nodiscard]] bool empty() const { return items_.empty(); }

  void push_back(std::string item) {
    digest_.push_back(hash_bytes(item));
    items_.push_back(std::move(item));
  }
  void push_front(std::string item) {
    digest_.push_front(hash_bytes(item));
    items_.push_front(std::move(item));
  }
  // Precondition of both: not empty.
  std::string pop_back() {
    std::string item = std::move(items_.back());
    items_.pop_back();
    digest_.pop_back(hash_bytes(item));
    return item;
  }
  std::string pop_front() {
    std::string item = std::move(items_.front());
    items_.pop_front();
    digest_.pop_front(hash_bytes(item));
    return item;
  }

 private:
  target::List items_;
  ListDigest digest_;
};

class TrackedSet {
 public:
  TrackedSet() = default;
  explicit TrackedSet(target::Set members) : members_(std::move(members)) {
    for (const std::string& member : members_) {
      digest_ += hash_bytes(member);
    }
  }
  [[nodiscard]] const target::Set& get() const { return members_; }
  [[nodiscard]] Digest digest() const { return digest_; }
  [[nodiscard]] bool empty() const { return members_.empty(); }

  // Both say whether anything changed.
  bool insert(const std::string& member) {
    if (!members_.insert(member).second) {
      return false;
    }
    digest_ += hash_bytes(member);
    return true;
  }
  bool erase(const std::string& member) {
    if (members_.erase(member) == 0) {
      return false;
    }
    digest_ -= hash_bytes(member);
    return true;
  }

 private:
  target::Set members_;
  Digest digest_ = 0;
};

class TrackedHash {
 public:
  TrackedHash() = default;
  explicit TrackedHash(target::Hash fields) : fields_(std::move(fields)) {
    for (const auto& [field, value] : fields_) {
      digest_ += hash_field(field, value);
    }
  }
  [[nodiscard]] const target::Hash& get() const { return fields_; }
  [[nodiscard]] Digest digest() const { return digest_; }
  [[nodiscard]] bool empty() const { return fields_.empty(); }

  // True when the field is new.
  bool set(const std::string& field, const std::string& value) {
    const auto [at, is_new] = fields_.try_emplace(field);
    if (!is_new) {
      digest_ -= hash_field(field, at->second);
    }
    at->second = value;
    digest_ += hash_field(field, value);
    return is_new;
  }
  bool erase(const std::string& field) {
    const auto at = fields_.find(field);
    if (at == fields_.end()) {
      return false;
    }
    digest_ -= hash_field(field, at->second);
    fields_.erase(at);
    return true;
  }

 private:
  target::Hash fields_;
  Digest digest_ = 0;
};

class TrackedSortedSet {
 public:
  TrackedSortedSet() = default;
  explicit TrackedSortedSet(target::SortedSet members) : members_(std::move(members)) {
    for (const auto& [member, score] : members_) {
      digest_ += hash_member(member, score);
    }
  }
  [[nodiscard]] const target::SortedSet& get() const { return members_; }
  [[nodiscard]] Digest digest() const { return digest_; }
  [[nodiscard]] bool empty() const { return members_.empty(); }

  // True when the member is new.
  bool set(const std::string& member, double score) {
    const auto [at, is_new] = members_.try_emplace(member);
    if (!is_new) {
      digest_ -= hash_member(member, at->second);
    }
    at->second = score;
    digest_ += hash_member(member, score);
    return is_new;
  }
  bool erase(const std::string& member) {
    const auto at = members_.find(member);
    if (at == members_.end()) {
      return false;
    }
    digest_ -= hash_member(member, at->second);
    members_.erase(at);
    return true;
  }

 private:
  target::SortedSet members_;
  Digest digest_ = 0;
};

class TrackedOpaque {
 public:
  TrackedOpaque() = default;
  explicit TrackedOpaque(target::Opaque value) : value_(std::move(value)) {}
  [[nodiscard]] const target::Opaque& get() const { return value_; }
  [[nodiscard]] Digest digest() const { return hash_field(value_.type, value_.dump); }
  [[nodiscard]] bool empty() const { return false; }

 private:
  target::Opaque value_;
};

// The same alternatives in the same order as Value.
using TrackedValue = std::variant<TrackedString, TrackedList, TrackedSet, TrackedHash,
                                  TrackedSortedSet, TrackedOpaque>;

[[nodiscard]] inline TrackedValue track(target::Value value) {
  return std::visit(
      []<typename T>(T&& plain) -> TrackedValue {
        using Plain = std::remove_cvref_t<T>;
        if constexpr (std::is_same_v<Plain, std::string>) {
          return TrackedString(std::forward<T>(plain));
        }
        if constexpr (std::is_same_v<Plain, target::List>) {
          return TrackedList(std::forward<T>(plain));
        }
        if constexpr (std::is_same_v<Plain, target::Set>) {
          return TrackedSet(std::forward<T>(plain));
        }
        if constexpr (std::is_same_v<Plain, target::Hash>) {
          return TrackedHash(std::forward<T>(plain));
        }
        if constexpr (std::is_same_v<Plain, target::SortedSet>) {
          return TrackedSortedSet(std::forward<T>(plain));
        }
        if constexpr (std::is_same_v<Plain, target::Opaque>) {
          return TrackedOpaque(std::forward<T>(plain));
        }
      },
      std::move(value));
}

[[nodiscard]] inline target::Value untrack(const TrackedValue& value) {
  return std::visit([](const auto& tracked) -> target::Value { return tracked.get(); }, value);
}

}  // namespace crashpoint::oracle
