#include "harness/workload/generator.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <span>

#include "harness/base/nearest.h"
#include "harness/base/random.h"

namespace crashpoint::workload {
namespace {

// Which kind of key a command writes. A key never changes its kind, so that no command
// fails for its type.
enum class Kind : std::uint8_t { kString, kCounter, kList, kHash, kSet, kSortedSet };
constexpr std::array<std::string_view, 6> kPrefixes = {"str",  "count", "list",
                                                       "hash", "set",   "zset"};

constexpr std::size_t kMembersRemembered = 16;  // per key, for commands that take members out again
constexpr std::uint64_t kFields = 16;           // of a hash
constexpr std::uint64_t kTransactionMax = 5;    // commands inside MULTI; at least 2

// One argument of a generated command.
struct Word {
  enum class What : std::uint8_t {
    kKey,        // one of the client's own, of `kind`
    kSharedKey,  // the same, or one that all clients write where the workload has such keys
    kAnyKey,     // of whatever kind
    kTwin,       // another of the kind just drawn, or the same
    kValue,      // like no other of the run
    kNewMember,  // a value, remembered with the key just drawn
    kOldMember,  // one remembered; it may be gone again. "none" where nothing was
    kField,
    kNumber,  // in [low, high]
    kText,
  };
  What what = What::kText;
  Kind kind = Kind::kString;
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  std::string_view text = {};
};

struct MixEntry {
  std::string_view name;
  std::vector<Word> words;
};

// Sorted by name. MULTI is not here: it is made of these.
const std::vector<MixEntry>& mix_entries() {
  using What = Word::What;
  const auto number = [](std::uint64_t low, std::uint64_t high) {
    return Word{.what = What::kNumber, .low = low, .high = high};
  };
  const auto text = [](std::string_view literal) { return Word{.text = literal}; };
  constexpr Word kStr{.what = What::kKey, .kind = Kind::kString};
  constexpr Word kCount{.what = What::kKey, .kind = Kind::kCounter};
  constexpr Word kCommonCount{.what = What::kSharedKey, .kind = Kind::kCounter};
  constexpr Word kList{.what = What::kKey, .kind = Kind::kList};
  constexpr Word kCommonList{.what = What::kSharedKey, .kind = Kind::kList};
  constexpr Word kHash{.what = What::kKey, .kind = Kind::kHash};
  constexpr Word kSet{.what = What::kKey, .kind = Kind::kSet};
  constexpr Word kZset{.what = What::kKey, .kind = Kind::kSortedSet};
  constexpr Word kAny{.what = What::kAnyKey};
  constexpr Word kTwin{.what = What::kTwin};
  constexpr Word kValue{.what = What::kValue};
  constexpr Word kNew{.what = What::kNewMember};
  constexpr Word kOld{.what = What::kOldMember};
  constexpr Word kField{.what = What::kField};
  static const std::vector<MixEntry> entries = {
      {"APPEND", {kStr, kValue}},
      {"DECR", {kCount}},
      {"DEL", {kAny}},
      {"EXPIRE", {kAny, number(1000, 100000)}},
      {"GET", {kStr}},
      {"GETDEL", {kStr}},
      {"HDEL", {kHash, kField}},
      {"HINCRBY", {kHash, text("count"), number(1, 1000)}},
      {"HSET", {kHash, kField, kValue}},
      {"INCR", {kCommonCount}},
      {"INCRBY", {kCount, number(1, 1000)}},
      {"LPOP", {kList}},
      {"LPUSH", {kList, kValue}},
      {"LTRIM", {kList, text("0"), number(0, 50)}},
      {"MSET", {kStr, kValue, kStr, kValue, kStr, kValue}},
      {"PERSIST", {kAny}},
      {"PEXPIRE", {kAny, number(20, 2000)}},
      {"RENAME", {kAny, kTwin}},
      {"RPOP", {kList}},
      {"RPUSH", {kCommonList, kValue}},
      {"SADD", {kSet, kNew}},
      {"SET", {kStr, kValue}},
      {"SETEX", {kStr, number(1000, 100000), kValue}},
      {"SPOP", {kSet}},
      {"SREM", {kSet, kOld}},
      {"UNLINK", {kAny}},
      {"ZADD", {kZset, number(0, 1'000'000), kNew}},
      {"ZINCRBY", {kZset, number(1, 1000), kOld}},
      {"ZPOPMIN", {kZset}},
      {"ZREM", {kZset, kOld}},
  };
  return entries;
}

// One client's stream of commands.
class Stream {
 public:
  Stream(const Generate& generate, const std::vector<std::uint32_t>& keys_of_kind,
         std::uint64_t seed, std::uint32_t step, std::uint32_t client)
      : generate_(generate),
        random_(seed, fmt::format("workload/step/{}/client/{}", step, client)),
        step_(step),
        client_(client) {
    members_.resize(keys_of_kind.size());
    for (std::size_t kind = 0; kind < keys_of_kind.size(); ++kind) {
      members_[kind].resize(keys_of_kind[kind]);
      if (keys_of_kind[kind] > 0) {
        kinds_.push_back(static_cast<Kind>(kind));
      }
    }
  }

  Random& random() { return random_; }

  Arguments command(const MixEntry& entry) {
    Arguments arguments = {std::string(entry.name)};
    for (const Word& word : entry.words) {
      arguments.push_back(argument(word));
    }
    return arguments;
  }

 private:
  using Members = std::vector<std::string>;

  std::string argument(const Word& word) {
    switch (word.what) {
      case Word::What::kKey:
        return key(word.kind);
      case Word::What::kSharedKey:
        return generate_.shared_keys == 0 ? key(word.kind) : shared_key(word.kind);
      case Word::What::kAnyKey:
        return key(random_.pick(std::span(kinds_)));
      case Word::What::kTwin:
        return key(kind_);
      case Word::What::kValue:
        return value();
      case Word::What::kNewMember:
        return new_member();
      case Word::What::kOldMember:
        return current_->empty() ? "none" : random_.pick(std::span(*current_));
      case Word::What::kField:
        return fmt::format("field{}", random_.below(kFields));
      case Word::What::kNumber:
        return std::to_string(random_.between(word.low, word.high));
      case Word::What::kText:
        return std::string(word.text);
    }
    return {};
  }

  std::string key(Kind kind) {
    std::vector<Members>& keys = members_[static_cast<std::size_t>(kind)];
    const std::size_t number = random_.below(keys.size());
    kind_ = kind;
    current_ = &keys[number];
    return fmt::format("{}:{}.{}", kPrefixes[static_cast<std::size_t>(kind)], client_, number);
  }

  std::string shared_key(Kind kind) {
    return fmt::format("shared:{}:{}", kPrefixes[static_cast<std::size_t>(kind)],
                       random_.below(generate_.shared_keys));
  }

  std::string value() {
    std::string text = fmt::format("{}.{}.{}", step_, client_, values_++);
    const std::size_t size = random_.between(generate_.value_bytes_min, generate_.value_bytes_max);
    if (text.size() < size) {
      text += '.';
      constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz234567";
      // One draw gives twelve letters.
      for (std::uint64_t bits = 0, left = 0; text.size() < size; bits >>= 5, --left) {
        if (left == 0) {
          bits = random_();
          left = 12;
        }
        text += kLetters[bits & 31];
      }
    }
    return text;
  }

  std::string new_member() {
    std::string member = value();
    if (current_->size() < kMembersRemembered) {
      current_->push_back(member);
    } else {
      random_.pick(std::span(*current_)) = member;
    }
    return member;
  }

  const Generate& generate_;
  Random random_;
  std::uint32_t step_;
  std::uint32_t client_;
  std::uint64_t values_ = 0;
  std::vector<std::vector<Members>> members_;  // by kind, then key
  std::vector<Kind> kinds_;                    // those that have keys
  Kind kind_ = Kind::kString;  // of the key drawn last, and what is remembered of it
  Members* current_ = nullptr;
};

const MixEntry* find_entry(std::string_view name) {
  const auto& entries = mix_entries();
  const auto found = std::ranges::lower_bound(entries, name, {}, &MixEntry::name);
  return found != entries.end() && found->name == name ? &*found : nullptr;
}

// Of the keys that `entry` needs there to be.
std::vector<Kind> kinds_of(const MixEntry& entry) {
  std::vector<Kind> kinds;
  for (const Word& word : entry.words) {
    if (word.what == Word::What::kKey || word.what == Word::What::kSharedKey) {
      kinds.push_back(word.kind);
    }
  }
  return kinds;
}

}  // namespace

const std::vector<std::string_view>& mix_names() {
  static const std::vector<std::string_view> names = [] {
    std::vector<std::string_view> result = {"MULTI"};
    for (const MixEntry& entry : mix_entries()) {
      result.push_back(entry.name);
    }
    std::ranges::sort(result);
    return result;
  }();
  return names;
}

const std::map<std::string, std::uint32_t>& default_mix() {
  static const std::map<std::string, std::uint32_t> mix = {{"SET", 6},  {"INCR", 2}, {"RPUSH", 1},
                                                           {"HSET", 1}, {"SADD", 1}, {"ZADD", 1},
                                                           {"DEL", 1},  {"MULTI", 1}};
  return mix;
}

std::vector<std::string> problems(const Generate& generate) {
  std::vector<std::string> found;
  const auto check = [&](bool ok, std::string text) {
    if (!ok) {
      found.push_back(std::move(text));
    }
  };
  check(generate.clients >= 1 && generate.clients <= Generate::kMaxClients,
        fmt::format("clients is {}, allowed is 1 to {}", generate.clients, Generate::kMaxClients));
  check(generate.pipeline >= 1, "pipeline is 0, allowed is 1 and more");
  check(generate.keys >= 1, "keys is 0, allowed is 1 and more");
  check(generate.value_bytes_min <= generate.value_bytes_max,
        fmt::format("value_bytes goes from {} down to {}", generate.value_bytes_min,
                    generate.value_bytes_max));
  const auto& mix = generate.mix.empty() ? default_mix() : generate.mix;
  std::uint64_t weights = 0;
  bool has_keys = false;
  for (const auto& [name, weight] : mix) {
    const MixEntry* entry = find_entry(name);
    if (entry == nullptr && name != "MULTI") {
      const std::vector<std::string> names(mix_names().begin(), mix_names().end());
      const std::string near = nearest(name, names);
      found.push_back(fmt::format("mix: '{}' cannot be generated{}; allowed are {}", name,
                                  near.empty() ? "" : ", did you mean '" + near + "'?",
                                  fmt::join(names, ", ")));
    }
    if (weight > 0 && entry != nullptr && !kinds_of(*entry).empty()) {
      has_keys = true;
    }
    weights += weight;
  }
  check(weights > 0, "mix: every weight is 0");
  check(weights == 0 || has_keys,
        "mix: nothing in it makes keys (DEL, EXPIRE, MULTI and their like need one command beside "
        "them that does)");
  return found;
}

struct Generator::Impl {
  struct PerClient {
    Stream stream;
    std::uint64_t left = 0;
  };

  Generate generate;
  std::vector<const MixEntry*> entries;  // nullptr is MULTI
  std::vector<std::uint64_t> sums;       // of the weights up to each entry
  std::vector<PerClient> clients;

  const MixEntry* draw(Random& random, bool inside_transaction) const {
    for (;;) {
      const std::uint64_t drawn = random.below(sums.back());
      const auto at = std::ranges::upper_bound(sums, drawn) - sums.begin();
      const MixEntry* entry = entries[static_cast<std::size_t>(at)];
      if (entry != nullptr || !inside_transaction) {
        return entry;
      }
    }
  }
};

Generator::Generator(const Generate& generate, std::uint64_t seed, std::uint32_t step)
    : impl_(std::make_unique<Impl>()) {
  impl_->generate = generate;
  std::array<std::uint64_t, kPrefixes.size()> kind_weights{};
  for (const auto& [name, weight] : generate.mix.empty() ? default_mix() : generate.mix) {
    if (weight == 0) {
      continue;
    }
    const MixEntry* entry = find_entry(name);
    impl_->entries.push_back(entry);
    impl_->sums.push_back((impl_->sums.empty() ? 0 : impl_->sums.back()) + weight);
    if (entry == nullptr) {
      continue;
    }
    for (const Kind kind : kinds_of(*entry)) {
      kind_weights[static_cast<std::size_t>(kind)] += weight;
    }
  }
  // Each kind has keys in proportion to how often it is written.
  const std::uint64_t weights =
      std::accumulate(kind_weights.begin(), kind_weights.end(), std::uint64_t{0});
  std::vector<std::uint32_t> keys_of_kind;
  for (const std::uint64_t weight : kind_weights) {
    const std::uint64_t share = generate.keys * weight / weights / generate.clients;
    keys_of_kind.push_back(
        weight == 0 ? 0 : static_cast<std::uint32_t>(std::max<std::uint64_t>(share, 1)));
  }
  impl_->clients.reserve(generate.clients);
  for (std::uint32_t client = 0; client < generate.clients; ++client) {
    const std::uint64_t count =
        generate.count / generate.clients + (client < generate.count % generate.clients ? 1 : 0);
    impl_->clients.push_back(
        {.stream = Stream(impl_->generate, keys_of_kind, seed, step, client), .left = count});
  }
}

Generator::~Generator() = default;
Generator::Generator(Generator&&) noexcept = default;
Generator& Generator::operator=(Generator&&) noexcept = default;

std::vector<Arguments> Generator::next(std::uint32_t client) {
  Impl::PerClient& own = impl_->clients.at(client);
  if (own.left == 0) {
    return {};
  }
  --own.left;
  Random& random = own.stream.random();
  const MixEntry* entry = impl_->draw(random, false);
  if (entry != nullptr) {
    return {own.stream.command(*entry)};
  }
  std::vector<Arguments> transaction = {{"MULTI"}};
  for (std::uint64_t left = random.between(2, kTransactionMax); left > 0; --left) {
    transaction.push_back(own.stream.command(*impl_->draw(random, true)));
  }
  transaction.push_back({"EXEC"});
  return transaction;
}

}  // namespace crashpoint::workload
