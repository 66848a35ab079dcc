#include "engine/keyspace/sorted_set.h"

#include <cmath>
#include <utility>

#include "engine/base/text.h"

namespace engine::keyspace {
namespace {

double score_at(const Listpack& pack, Listpack::Position member) {
  const Element score = pack.get(pack.next(member));
  return score.is_integer() ? static_cast<double>(score.integer())
                            : parse_double(score.text()).value_or(0);
}

Listpack::Position next_pair(const Listpack& pack, Listpack::Position at) {
  return pack.next(pack.next(at));
}

// Inserts the pair in order; the member must be new.
void insert_pair(Listpack& pack, std::string_view member, double score) {
  Listpack::Position at = pack.first();
  for (; at != pack.end(); at = next_pair(pack, at)) {
    const double other = score_at(pack, at);
    if (other > score || (other == score && pack.get(at).text() > member)) {
      break;
    }
  }
  pack.insert(at, member);
  pack.insert(pack.next(at), SortedSet::score_text(score));
}

template <typename IsBefore>  // bool(double score, std::string_view member)
std::size_t count_while(const Listpack& pack, IsBefore is_before) {
  std::size_t count = 0;
  for (Listpack::Position at = pack.first(); at != pack.end(); at = next_pair(pack, at), ++count) {
    if (!is_before(score_at(pack, at), pack.get(at).text())) {
      break;
    }
  }
  return count;
}

}  // namespace

std::string SortedSet::score_text(double score) {
  constexpr double kSafe = 0x1p62;
  if (std::abs(score) <= kSafe && std::trunc(score) == score) {
    return std::string(Digits(static_cast<std::int64_t>(score)).view());
  }
  return format_double(score);
}

SortedSet::~SortedSet() {
  if (index_) {
    index_->members.for_each([](ScoredNode& node) { ScoredNode::destroy(&node); });
  }
}

std::unique_ptr<SortedSet> SortedSet::clone() const {
  auto copy = std::make_unique<SortedSet>();
  if (is_listpack()) {
    copy->listpack_ = listpack_.clone();
  } else {
    copy->index_ = std::make_unique<Index>();
    for_each([&copy](std::string_view member, double score) { copy->index_->add(member, score); });
  }
  return copy;
}

void SortedSet::Index::add(std::string_view member, double score) {
  ScoredNode* node = ScoredNode::create(member, score);
  members.insert(node);
  order.insert(node);
}

std::size_t SortedSet::size() const {
  return index_ ? index_->members.size() : listpack_.count() / 2;
}

std::optional<double> SortedSet::score(std::string_view member) const {
  if (index_) {
    const ScoredNode* node = index_->members.find(member);
    return node == nullptr ? std::nullopt : std::optional(node->score);
  }
  const Listpack::Position at = listpack_.find(member, listpack_.first(), 1);
  return at == listpack_.end() ? std::nullopt : std::optional(score_at(listpack_, at));
}

// A listpack becomes a tree before it would pass its limits. In a tree a changed score is an erase
// and an insert, since it is part of the order.
bool SortedSet::set(std::string_view member, double score, const EncodingLimits& limits) {
  if (!index_) {
    const Listpack::Position at = listpack_.find(member, listpack_.first(), 1);
    const bool is_new = at == listpack_.end();
    if (!is_new) {
      if (score_at(listpack_, at) == score) {
        return false;
      }
      listpack_.erase(at, 2);
    } else if (size() + 1 > limits.zset_max_listpack_entries ||
               member.size() > limits.zset_max_listpack_value) {
      convert_to_tree();
      index_->add(member, score);
      return true;
    }
    insert_pair(listpack_, member, score);
    return is_new;
  }
  ScoredNode* node = index_->members.find(member);
  if (node == nullptr) {
    index_->add(member, score);
    return true;
  }
  if (node->score != score) {
    index_->order.erase(node);
    node->score = score;
    index_->order.insert(node);
  }
  return false;
}

bool SortedSet::erase(std::string_view member) {
  if (index_) {
    ScoredNode* node = index_->members.extract(member);
    if (node != nullptr) {
      index_->order.erase(node);
      ScoredNode::destroy(node);
    }
    return node != nullptr;
  }
  const Listpack::Position at = listpack_.find(member, listpack_.first(), 1);
  if (at == listpack_.end()) {
    return false;
  }
  listpack_.erase(at, 2);
  return true;
}

std::optional<std::size_t> SortedSet::rank(std::string_view member) const {
  if (index_) {
    const ScoredNode* node = index_->members.find(member);
    return node == nullptr ? std::nullopt : std::optional(index_->order.rank(node));
  }
  std::size_t rank = 0;
  for (Listpack::Position at = listpack_.first(); at != listpack_.end();
       at = next_pair(listpack_, at), ++rank) {
    if (listpack_.get(at).text() == member) {
      return rank;
    }
  }
  return std::nullopt;
}

SortedSet::Cursor SortedSet::at(std::size_t rank) const {
  Cursor cursor;
  cursor.set_ = this;
  if (index_) {
    cursor.tree_ = index_->order.at(rank);
  } else {
    cursor.at_ = listpack_.at(static_cast<std::int64_t>(2 * rank));
  }
  return cursor;
}

SortedSet::Entry SortedSet::Cursor::get() const {
  if (set_->index_) {
    const ScoredNode* node = tree_.get();
    return {node->key(), node->score};
  }
  return {set_->listpack_.get(at_), score_at(set_->listpack_, at_)};
}

void SortedSet::Cursor::next() {
  if (set_->index_) {
    tree_.next();
  } else {
    at_ = next_pair(set_->listpack_, at_);
  }
}

void SortedSet::Cursor::previous() {
  if (set_->index_) {
    tree_.previous();
  } else if (at_ != set_->listpack_.first()) {
    at_ = set_->listpack_.previous(set_->listpack_.previous(at_));
  }
}

std::size_t SortedSet::count_below_score(double bound, bool inclusive) const {
  if (index_) {
    return index_->order.count_below_score(bound, inclusive);
  }
  return count_while(listpack_, [=](double score, std::string_view /*member*/) {
    return inclusive ? score <= bound : score < bound;
  });
}

std::size_t SortedSet::count_below_member(std::string_view bound, bool inclusive) const {
  if (index_) {
    return index_->order.count_below_member(bound, inclusive);
  }
  return count_while(listpack_, [=](double /*score*/, std::string_view member) {
    return inclusive ? member <= bound : member < bound;
  });
}

void SortedSet::erase_range(std::size_t rank, std::size_t count) {
  if (!index_) {
    listpack_.erase(listpack_.at(static_cast<std::int64_t>(2 * rank)), 2 * count);
    return;
  }
  for (; count > 0 && rank < index_->order.size(); --count) {
    ScoredNode* node = index_->order.at(rank).get();
    index_->order.erase(node);
    index_->members.extract(node->key());
    ScoredNode::destroy(node);
  }
}

SortedSet::Entry SortedSet::random(Random& random) const {
  if (index_) {
    const ScoredNode* node = index_->members.random(random);
    return {node->key(), node->score};
  }
  return at(random.below(size())).get();
}

void SortedSet::convert_to_tree() {
  if (index_) {
    return;
  }
  auto index = std::make_unique<Index>();
  for_each([&index](std::string_view member, double score) { index->add(member, score); });
  index_ = std::move(index);
  listpack_ = Listpack();
}

bool SortedSet::is_small(const EncodingLimits& limits) const {
  bool small = size() <= limits.zset_max_listpack_entries;
  for_each([&](std::string_view member, double /*score*/) {
    small = small && member.size() <= limits.zset_max_listpack_value;
  });
  return small;
}

void SortedSet::fit(const EncodingLimits& limits) {
  if (!index_ && !is_small(limits)) {
    convert_to_tree();
  }
}

void SortedSet::convert_to_listpack_if_small(const EncodingLimits& limits) {
  if (!index_ || !is_small(limits)) {
    return;
  }
  Listpack pairs;
  for_each([&pairs](std::string_view member, double score) {
    pairs.append(member);
    pairs.append(score_text(score));
  });
  index_->members.for_each([](ScoredNode& node) { ScoredNode::destroy(&node); });
  index_.reset();
  listpack_ = std::move(pairs);
}

std::size_t SortedSet::memory_bytes(std::size_t samples) const {
  return sizeof(SortedSet) +
         (index_ ? sizeof(Index) + index_->members.memory_bytes(samples) + index_->order.bytes()
                 : listpack_.bytes());
}

}  // namespace engine::keyspace
