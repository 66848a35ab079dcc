#include "engine/keyspace/table_core.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

#include "engine/base/memory.h"

namespace engine::keyspace {
namespace {

struct Secret {
  std::array<std::uint64_t, XXH3_SECRET_DEFAULT_SIZE / 8> words{};

  Secret() {
    Random random = Random::from_entropy();
    std::generate(words.begin(), words.end(), [&random] { return random.next(); });
  }
};
const Secret kSecret;

constexpr unsigned kSegmentSlots = 256;
constexpr unsigned kFirstSlots = 8;

// A lookup that fails walks to the next empty slot: beyond 13/16 the distance grows fast.
constexpr std::size_t slots_for(std::size_t nodes) {
  return std::max<std::size_t>(kFirstSlots, nodes + nodes / 3);
}
constexpr bool is_full(std::size_t used, std::size_t capacity) {
  return used * 16 >= capacity * 13;
}

}  // namespace

std::uint64_t hash_of(std::string_view key) {
  return XXH3_64bits_withSecret(key.data(), key.size(), kSecret.words.data(),
                                sizeof(kSecret.words));
}

// Open addressing with linear probing. The trailing 16 bits of the hash (the tag) are kept in the
// slot and give the node's home, so that growing and erasing need not look at nodes.
struct alignas(std::uint64_t) TableCore::Segment {  // as its slots, which follow it
  std::uint32_t capacity;
  std::uint32_t used;
  unsigned depth;  // leading bits of the hash that all nodes here share

  std::uint64_t* slots() { return reinterpret_cast<std::uint64_t*>(this + 1); }

  static std::size_t bytes(std::size_t capacity) {
    return sizeof(Segment) + capacity * sizeof(std::uint64_t);
  }
  static Segment* create(std::size_t capacity, unsigned depth) {
    auto* segment = static_cast<Segment*>(memory::allocate(bytes(capacity)));
    segment->capacity = static_cast<std::uint32_t>(capacity);
    segment->used = 0;
    segment->depth = depth;
    std::memset(segment->slots(), 0, capacity * sizeof(std::uint64_t));
    return segment;
  }

  std::size_t home(std::uint64_t slot) const { return (slot >> kPointerBits) * capacity >> 16; }
  std::size_t after(std::size_t index) const { return index + 1 == capacity ? 0 : index + 1; }

  void add(std::uint64_t slot) {
    ENGINE_DCHECK(used < capacity, used, capacity);
    std::size_t index = home(slot);
    while (slots()[index] != 0) {
      index = after(index);
    }
    slots()[index] = slot;
    ++used;
  }
  void add_all_of(Segment& other) {
    for (std::size_t i = 0; i < other.capacity; ++i) {
      if (other.slots()[i] != 0) {
        add(other.slots()[i]);
      }
    }
  }
  void remove(std::size_t hole) {
    // Move back every node that a lookup could no longer reach past the hole.
    for (std::size_t index = after(hole); slots()[index] != 0; index = after(index)) {
      const std::size_t wanted = home(slots()[index]);
      const bool reachable =
          hole <= index ? hole < wanted && wanted <= index : hole < wanted || wanted <= index;
      if (!reachable) {
        slots()[hole] = slots()[index];
        hole = index;
      }
    }
    slots()[hole] = 0;
    --used;
  }
};

TableCore::~TableCore() {
  for (std::size_t i = 0; i < directory_.size();) {
    Segment* segment = directory_[i];
    i += std::size_t{1} << (depth_ - segment->depth);
    memory::release(segment);
  }
}

TableCore::TableCore(TableCore&& other) noexcept {
  *this = std::move(other);
}

TableCore& TableCore::operator=(TableCore&& other) noexcept {
  std::swap(directory_, other.directory_);
  std::swap(depth_, other.depth_);
  std::swap(segments_, other.segments_);
  std::swap(deepest_, other.deepest_);
  std::swap(segment_bytes_, other.segment_bytes_);
  std::swap(size_, other.size_);
  return *this;
}

std::size_t TableCore::bytes() const {
  return segment_bytes_ +
         directory_.capacity() * sizeof(Segment*);  // NOLINT(bugprone-sizeof-expression)
}

std::uint64_t* TableCore::find_slot(std::string_view key, std::uint64_t hash, KeyOf key_of) const {
  if (size_ == 0) {
    return nullptr;
  }
  Segment& segment = *directory_[index_of(hash)];
  std::uint64_t* const slots = segment.slots();
  const std::uint64_t tag = hash << kPointerBits;
  for (std::size_t i = segment.home(tag); slots[i] != 0; i = segment.after(i)) {
    if (((slots[i] ^ tag) >> kPointerBits) == 0 && key_of(node_in(slots[i])) == key) {
      return &slots[i];
    }
  }
  return nullptr;
}

void TableCore::insert(void* node, std::uint64_t hash, KeyOf key_of) {
  if (directory_.empty()) {
    directory_.push_back(Segment::create(kFirstSlots, 0));
    segments_ = deepest_ = 1;
    segment_bytes_ = Segment::bytes(kFirstSlots);
  }
  for (Segment* segment = directory_[index_of(hash)]; is_full(segment->used + 1, segment->capacity);
       segment = directory_[index_of(hash)]) {
    make_room(segment, hash, key_of);
  }
  directory_[index_of(hash)]->add(hash << kPointerBits | bits_of(node));
  ++size_;
}

// As many segments of the same depth as will be about two thirds full.
void TableCore::reserve(std::size_t nodes) {
  constexpr std::size_t kNodesPerSegment = kSegmentSlots * 2 / 3;
  if (!directory_.empty() || nodes <= kNodesPerSegment) {
    return;
  }
  segments_ = deepest_ = std::bit_ceil(nodes / kNodesPerSegment + 1);
  depth_ = static_cast<unsigned>(std::countr_zero(segments_));
  const std::size_t each = nodes / segments_ + 1;
  const std::size_t capacity = slots_for(each + each / 8);
  directory_.reserve(segments_);
  for (std::size_t i = 0; i < segments_; ++i) {
    directory_.push_back(Segment::create(capacity, depth_));
  }
  segment_bytes_ = segments_ * Segment::bytes(capacity);
}

void TableCore::fetch_segment(std::uint64_t hash) const {
  if (!directory_.empty()) {
    __builtin_prefetch(directory_[index_of(hash)]);
  }
}

void TableCore::fetch_slot(std::uint64_t hash) const {
  if (!directory_.empty()) {
    Segment& segment = *directory_[index_of(hash)];
    __builtin_prefetch(segment.slots() + segment.home(hash << kPointerBits));
  }
}

void* TableCore::extract(std::string_view key, std::uint64_t hash, KeyOf key_of) {
  std::uint64_t* const slot = find_slot(key, hash, key_of);
  if (slot == nullptr) {
    return nullptr;
  }
  void* const node = node_in(*slot);
  Segment* segment = directory_[index_of(hash)];
  ENGINE_CHECK(slot >= segment->slots() && slot < segment->slots() + segment->capacity);
  segment->remove(static_cast<std::size_t>(slot - segment->slots()));
  --size_;
  if (segment->used * 4 < segment->capacity && segment->capacity > kFirstSlots) {
    merge_or_shrink(segment, hash);
  }
  return node;
}

void TableCore::point_to(std::uint64_t hash, Segment* segment) {
  const std::size_t span = std::size_t{1} << (depth_ - segment->depth);
  const std::size_t first = index_of(hash) & ~(span - 1);
  std::fill_n(directory_.begin() + static_cast<std::ptrdiff_t>(first), span, segment);
}

void TableCore::make_room(Segment* segment, std::uint64_t hash, KeyOf key_of) {
  if (segment->capacity >= kSegmentSlots && may_split(*segment)) {
    split(segment, hash, key_of);
    return;
  }
  std::size_t capacity = segment->capacity + std::max<std::size_t>(4, segment->capacity / 4);
  if (segment->capacity < kSegmentSlots) {
    capacity = std::min<std::size_t>(capacity, kSegmentSlots);
  }
  ENGINE_CHECK(capacity > segment->capacity && segment->depth <= depth_, capacity, depth_);
  Segment* larger = Segment::create(capacity, segment->depth);
  larger->add_all_of(*segment);
  segment_bytes_ += Segment::bytes(capacity) - Segment::bytes(segment->capacity);
  point_to(hash, larger);
  memory::release(segment);
}

// The directory stays in proportion to the segments even if the hashes do not spread: such a
// segment grows instead.
bool TableCore::may_split(const Segment& segment) const {
  return segment.depth < depth_ || directory_.size() <= 16 * segments_;
}

void TableCore::split(Segment* segment, std::uint64_t hash, KeyOf key_of) {
  if (segment->depth == depth_) {
    double_directory();
  }
  // The half that a node goes to depends on the hash of its key: prefetch the keys.
  std::vector<std::uint64_t> low;
  std::vector<std::uint64_t> high;
  low.reserve(segment->used);
  high.reserve(segment->used);
  for (std::size_t i = 0; i < segment->capacity; ++i) {
    __builtin_prefetch(node_in(segment->slots()[i]));
  }
  for (std::size_t i = 0; i < segment->capacity; ++i) {
    if (const std::uint64_t slot = segment->slots()[i]; slot != 0) {
      const std::uint64_t bits = hash_of(key_of(node_in(slot)));
      ((bits >> (63 - segment->depth)) % 2 == 0 ? low : high).push_back(slot);
    }
  }
  ENGINE_CHECK(low.size() + high.size() == segment->used && segment->depth < depth_, low.size(),
               high.size(), segment->used, segment->depth, depth_);
  const std::uint64_t bit = std::uint64_t{1} << (63 - segment->depth);
  segment_bytes_ -= Segment::bytes(segment->capacity);
  for (const auto& [half, prefix] : {std::pair{&low, hash & ~bit}, std::pair{&high, hash | bit}}) {
    Segment* created = Segment::create(slots_for(half->size()), segment->depth + 1);
    for (const std::uint64_t slot : *half) {
      created->add(slot);
    }
    segment_bytes_ += Segment::bytes(created->capacity);
    point_to(prefix, created);
  }
  ++segments_;
  if (segment->depth + 1 == depth_) {
    deepest_ += 2;
  }
  memory::release(segment);
}

// A segment that has become sparse joins its buddy (the segment whose prefix differs in the last
// bit) if both fit with room to spare; otherwise it shrinks.
void TableCore::merge_or_shrink(Segment* segment, std::uint64_t hash) {
  unsigned depth = segment->depth;
  Segment* buddy = nullptr;
  if (depth > 0) {
    Segment* other = directory_[index_of(hash ^ std::uint64_t{1} << (64 - depth))];
    if (other->depth == depth && segment->used + other->used <= kSegmentSlots / 4) {
      buddy = other;
      --depth;
    }
  }
  const std::size_t used = segment->used + (buddy == nullptr ? 0 : buddy->used);
  Segment* smaller = Segment::create(slots_for(used + used / 4), depth);
  segment_bytes_ += Segment::bytes(smaller->capacity) - Segment::bytes(segment->capacity);
  smaller->add_all_of(*segment);
  if (buddy != nullptr) {
    smaller->add_all_of(*buddy);
    segment_bytes_ -= Segment::bytes(buddy->capacity);
    --segments_;
    if (buddy->depth == depth_) {
      deepest_ -= 2;
    }
    memory::release(buddy);
  }
  point_to(hash, smaller);
  memory::release(segment);
  while (deepest_ == 0) {
    halve_directory();
  }
}

void TableCore::double_directory() {
  std::vector<Segment*> doubled;
  doubled.reserve(2 * directory_.size());
  for (Segment* segment : directory_) {
    doubled.push_back(segment);
    doubled.push_back(segment);
  }
  directory_ = std::move(doubled);
  ++depth_;
  deepest_ = 0;
}

void TableCore::halve_directory() {
  std::vector<Segment*> halved;
  ENGINE_CHECK(depth_ > 0 && directory_.size() == std::size_t{1} << depth_, depth_,
               directory_.size());
  halved.reserve(directory_.size() / 2);
  --depth_;
  deepest_ = 0;
  for (std::size_t i = 0; i < directory_.size(); i += 2) {
    halved.push_back(directory_[i]);
    deepest_ += directory_[i]->depth == depth_ ? 1u : 0u;
  }
  directory_ = std::move(halved);
}

void* TableCore::random(Random& random) const {
  ENGINE_CHECK(size_ > 0);
  for (;;) {
    Segment& segment = *directory_[random.below(directory_.size())];
    if (segment.used == 0) {
      continue;
    }
    for (;;) {
      const std::uint64_t slot = segment.slots()[random.below(segment.capacity)];
      if (slot != 0) {
        return node_in(slot);
      }
    }
  }
}

void TableCore::for_each(const std::function<void(void*)>& fn) const {
  for (std::size_t i = 0; i < directory_.size();) {
    Segment& segment = *directory_[i];
    std::uint64_t* const slots = segment.slots();
    for (std::size_t at = 0; at < segment.capacity; ++at) {
      if (at + 8 < segment.capacity) {
        __builtin_prefetch(node_in(slots[at + 8]));
      }
      if (slots[at] != 0) {
        fn(node_in(slots[at]));
      }
    }
    i += std::size_t{1} << (depth_ - segment.depth);
  }
}

std::uint64_t TableCore::scan(std::uint64_t cursor, std::size_t count, KeyOf key_of,
                              const std::function<void(void*)>& fn) const {
  // A cursor is the 48 leading bits of a hash: the next to be returned. (Not 64, so that clients
  // which keep it in a double or an int64 give it back unchanged.)
  constexpr unsigned kDropped = 16;
  struct Hashed {
    std::uint64_t position;
    void* node;
  };
  std::vector<Hashed> found;
  std::uint64_t position = cursor << kDropped >> kDropped;
  while (size_ > 0) {
    Segment& segment = *directory_[index_of(position << kDropped)];
    found.clear();
    for (std::size_t i = 0; i < segment.capacity; ++i) {
      if (const std::uint64_t slot = segment.slots()[i]; slot != 0) {
        const std::uint64_t at = hash_of(key_of(node_in(slot))) >> kDropped;
        if (at >= position) {
          found.push_back({at, node_in(slot)});
        }
      }
    }
    std::sort(found.begin(), found.end(),
              [](const Hashed& a, const Hashed& b) { return a.position < b.position; });
    for (std::size_t i = 0; i < found.size(); ++i) {
      // A cursor cannot distinguish equal positions: they are returned together.
      if (count == 0 && (i == 0 || found[i].position != found[i - 1].position)) {
        return found[i].position;
      }
      fn(found[i].node);
      count -= count > 0 ? 1u : 0u;
    }
    const std::uint64_t span = std::uint64_t{1} << (64 - kDropped - segment.depth);
    position = (position & ~(span - 1)) + span;
    if (position >> (64 - kDropped) != 0) {
      return 0;
    }
    if (count == 0) {
      return position;
    }
  }
  return 0;
}

}  // namespace engine::keyspace
