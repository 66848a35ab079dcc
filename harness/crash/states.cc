#include "harness/crash/states.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "harness/base/check.h"
#include "harness/base/random.h"

namespace crashpoint::crash {
namespace {

constexpr std::size_t kSectorsTornMax = 16;  // of one write
constexpr std::uint64_t kBytesTornMax = 4096;

using Nodes = std::vector<NodeIndex>;

// A write that is not durable as a whole, as far as tearing needs to know it.
struct PendingWrite {
  CallIndex call = {};
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  bool grows = false;
  NodeIndex last_node = {};
  Nodes data_nodes = {};
};

class Enumeration {
 public:
  Enumeration(CrashModel& model, const StateOptions& options,
              const std::function<bool(CrashState&&)>& visit)
      : model_(model), options_(options), visit_(visit), size_(model.nodes().size()) {
    find_operations();
  }

  StateCount run() {
    if (wants(Phase::kEverything)) {
      give(Phase::kEverything, model_.everything());
    }
    if (wants(Phase::kOnlyDurable)) {
      give(Phase::kOnlyDurable, model_.only_durable());
    }
    if (wants(Phase::kLeftOut)) {
      leave_out();
    }
    if (wants(Phase::kAlone)) {
      keep_alone();
    }
    if (wants(Phase::kPrefix)) {
      take_prefixes();
    }
    if (wants(Phase::kLeftOutOfPrefix)) {
      leave_out_of_prefixes();
    }
    if (wants(Phase::kTorn)) {
      tear();
    }
    if (wants(Phase::kSampled)) {
      finish();
    }
    return count_;
  }

 private:
  [[nodiscard]] bool wants(Phase phase) const {
    return options_.first_phase <= phase && phase <= options_.last_phase;
  }

  // ---- what can be left out: calls, their parts, all that was written to a file

  void find_operations() {
    std::vector<Nodes> parts;
    std::unordered_map<InodeId, Nodes> contents;
    for (const NodeIndex i : model_.indices()) {
      const Node& node = model_.node(i);
      if (node.durable) {
        continue;
      }
      if (calls_.empty() || model_.node(calls_.back().front()).call != node.call) {
        calls_.emplace_back();
      }
      calls_.back().push_back(i);
      if ((node.classes & kEntryOp) == 0) {
        contents[model_.timeline().op(node.id()).inode].push_back(i);
      }
    }
    operations_ = thin_out(calls_);
    for (const Nodes& call : thin_out(calls_)) {
      if (call.size() > 1) {
        for (const NodeIndex node : call) {
          parts.push_back({node});
        }
      }
    }
    for (Nodes& part : thin_out(parts)) {
      operations_.push_back(std::move(part));
    }
    std::vector<Nodes> files;
    for (auto& [inode, nodes] : contents) {
      if (nodes.size() > 1) {
        files.push_back(std::move(nodes));
      }
    }
    std::sort(files.begin(), files.end());
    operations_.insert(operations_.end(), files.begin(), files.end());
  }

  // The newest three quarters of what may be taken, and an even choice of what lies before.
  template <typename T>
  std::vector<T> thin_out(const std::vector<T>& all) {
    if (all.size() <= options_.operations_max) {
      return all;
    }
    const std::size_t newest = options_.operations_max * 3 / 4;
    const std::size_t others = options_.operations_max - newest;
    const std::size_t before = all.size() - newest;
    std::vector<T> chosen;
    for (std::size_t i = 0; i < others; ++i) {
      chosen.push_back(all[before * i / others]);
    }
    chosen.insert(chosen.end(), all.end() - static_cast<std::ptrdiff_t>(newest), all.end());
    count_.passed_over += all.size() - chosen.size();
    return chosen;
  }

  // ---- giving a state

  bool give(Phase phase, Selection selection) {
    if (count_.stopped) {
      return false;
    }
    if (!selection.tear && !seen_.insert(key_of(selection)).second) {
      ++count_.repeated;
      return true;
    }
    HARNESS_CHECK(model_.permits(selection), static_cast<int>(phase), model_.point());
    CrashState state;
    state.image = model_.image(selection);
    state.digest = state.image.digest();
    if (!digests_.insert(state.digest).second) {
      ++count_.repeated;
      return true;
    }
    state.point = model_.point();
    state.phase = phase;
    state.selection = std::move(selection);
    ++count_.given;
    count_.stopped = !visit_(std::move(state));
    return !count_.stopped;
  }

  static std::string key_of(const Selection& selection) {
    return {reinterpret_cast<const char*>(selection.choices.data()), selection.choices.size()};
  }

  // ---- the systematic phases

  void without(Selection& selection, const Nodes& operation) const {
    for (const NodeIndex node : operation) {
      selection[node] = Choice::kAbsent;
    }
    model_.drop_dependents(selection);
  }

  Selection prefix(std::size_t end) const {
    Selection selection = model_.only_durable();
    std::fill_n(selection.choices.begin(), end, Choice::kPresent);
    return selection;  // what a node needs lies earlier, and is durable if the node is
  }

  void leave_out() {
    for (const Nodes& operation : operations_) {
      Selection selection = model_.everything();
      without(selection, operation);
      give(Phase::kLeftOut, std::move(selection));
    }
  }

  void keep_alone() {
    for (const Nodes& operation : operations_) {
      Selection selection = model_.only_durable();
      for (const NodeIndex node : operation) {
        selection[node] = Choice::kPresent;
      }
      model_.add_needed(selection);
      give(Phase::kAlone, std::move(selection));
    }
  }

  // The ends of prefixes: after each node, or after those of the newest calls and some others.
  std::vector<std::size_t> prefix_ends() {
    std::vector<std::size_t> ends;
    for (std::size_t end = 1; end < size_; ++end) {
      ends.push_back(end);
    }
    return thin_out(ends);
  }

  void take_prefixes() {
    for (const std::size_t end : prefix_ends()) {
      give(Phase::kPrefix, prefix(end));
    }
  }

  void leave_out_of_prefixes() {
    for (const std::size_t end : prefix_ends()) {
      for (const Nodes& operation : operations_) {
        if (operation.back() < NodeIndex(end)) {
          Selection selection = prefix(end);
          without(selection, operation);
          if (!give(Phase::kLeftOutOfPrefix, std::move(selection))) {
            return;
          }
        }
      }
    }
  }

  // ---- torn writes

  // The newest write of each file, by node.
  std::vector<PendingWrite> newest_writes() const {
    std::vector<PendingWrite> writes;
    std::set<InodeId> seen;
    for (std::size_t at = size_; at-- > 0;) {
      const NodeIndex i(at);
      const Node& node = model_.node(i);
      const Timeline& timeline = model_.timeline();
      const InodeId inode = timeline.op(node.id()).inode;
      const trace::Event& event = timeline.event_of(timeline.call(node.call));
      if ((node.classes & kDataOps) == 0 || event.data.size == 0 || node.durable ||
          !seen.insert(inode).second) {
        continue;
      }
      PendingWrite write{.call = node.call,
                         .offset = static_cast<std::uint64_t>(event.offset),
                         .size = event.data.size,
                         .last_node = i};
      for (NodeIndex part(0); part <= i; ++part) {
        const Node& other = model_.node(part);
        if (other.call == node.call) {
          write.grows = write.grows || (other.classes & kGrowOps) != 0;
          if ((other.classes & kDataOps) != 0) {
            write.data_nodes.push_back(part);
          }
        }
      }
      writes.push_back(std::move(write));
    }
    return writes;
  }

  void tear() {
    if (options_.torn_writes == TornWrites::kNone) {
      return;
    }
    for (const PendingWrite& write : newest_writes()) {
      if (model_.profile().tears != Tears::kBetweenBlocks) {
        for (const Tear& tear : tears(write)) {
          give_torn(write, tear);
        }
      }
      if (model_.profile().tears != Tears::kAnywhere && model_.profile().garbage &&
          options_.garbage && write.grows) {
        give_filled(write, Choice::kGarbage);
        give_filled(write, Choice::kStale);
      }
    }
  }

  // With all that was done later, and with none of it.
  void give_torn(const PendingWrite& write, const Tear& tear) {
    if (std::optional<Selection> torn = model_.torn(model_.everything(), tear)) {
      give(Phase::kTorn, *std::move(torn));
    }
    const std::size_t end = write.last_node.value() + std::size_t{1};
    if (end < size_) {
      if (std::optional<Selection> torn = model_.torn(prefix(end), tear)) {
        give(Phase::kTorn, *std::move(torn));
      }
    }
  }

  void give_filled(const PendingWrite& write, Choice choice) {
    Selection selection = model_.everything();
    without(selection, write.data_nodes);
    for (const NodeIndex node : write.data_nodes) {
      if (model_.may_be_garbage(node)) {
        selection[node] = choice;
      }
    }
    give(Phase::kTorn, std::move(selection));
  }

  std::vector<std::uint64_t> cuts(const PendingWrite& write) const {
    std::set<std::uint64_t> cuts{write.size / 2};
    if (options_.torn_writes != TornWrites::kHalf) {
      cuts.insert({1, write.size - 1});
      std::vector<std::uint64_t> sectors;
      for (std::uint64_t at = (write.offset / kSectorSize + 1) * kSectorSize;
           at < write.offset + write.size; at += kSectorSize) {
        sectors.push_back(at - write.offset);
      }
      const std::size_t taken = std::min(sectors.size(), kSectorsTornMax);
      for (std::size_t i = 0; i < taken; ++i) {
        cuts.insert(sectors[sectors.size() * i / taken]);
      }
    }
    if (options_.torn_writes == TornWrites::kByte) {
      for (std::uint64_t at = 1; at < std::min(write.size, kBytesTornMax); ++at) {
        cuts.insert(at);
      }
    }
    cuts.erase(0);
    cuts.erase(write.size);
    return {cuts.begin(), cuts.end()};
  }

  std::vector<Tear> tears(const PendingWrite& write) const {
    using Rest = Tear::Rest;
    std::vector<Tear> tears;
    if (model_.profile().tears == Tears::kAtSectors) {
      for (const std::uint64_t cut : cuts(write)) {
        tears.push_back({write.call, 0, cut, Rest::kZeros});
        tears.push_back({write.call, cut, write.size, Rest::kZeros});
      }
      return tears;
    }
    const auto add = [&](std::uint64_t from, std::uint64_t to, Rest rest) {
      tears.push_back({write.call, from, to, rest});
    };
    const std::uint64_t half = write.size / 2;
    for (const std::uint64_t cut : cuts(write)) {
      add(0, cut, Rest::kCut);
      if (write.grows) {
        add(0, cut, Rest::kZeros);
      }
    }
    add(half, write.size, write.grows ? Rest::kZeros : Rest::kCut);
    if (write.grows) {
      add(0, write.size, Rest::kBlock);
      add(0, 0, Rest::kBlock);
      add(0, 0, Rest::kZeros);
    }
    if (write.grows && options_.garbage) {
      for (const std::uint64_t cut : std::set<std::uint64_t>{0, half, write.size - 1}) {
        add(0, cut, Rest::kGarbage);
        add(0, cut, Rest::kStale);
      }
    }
    return tears;
  }

  // ---- the rest: all of it, or samples

  void finish() {
    const std::uint64_t limit = std::max(options_.all_max, options_.samples);
    std::uint64_t selections = 0;
    Selection selection = model_.only_durable();
    const auto count = [&](const Selection&) { return ++selections <= limit; };
    if (for_each_permitted(NodeIndex(0), selection, count)) {
      selection = model_.only_durable();
      count_.all = for_each_permitted(NodeIndex(0), selection, [&](const Selection& permitted) {
        return give(Phase::kRemaining, permitted);
      });
      return;
    }
    take_samples();
  }

  // Goes through all permitted selections, node by node; false as soon as `take` says so.
  template <typename Take>
  bool for_each_permitted(NodeIndex node, Selection& selection, const Take& take) {
    if (node.value() == size_) {
      return take(selection);
    }
    if (!model_.node(node).durable) {
      selection[node] = Choice::kAbsent;
      if (!for_each_permitted(node + 1, selection, take)) {
        return false;
      }
      if (!has_needs_of(node, selection)) {
        return true;
      }
      if (may_be_garbage(node)) {
        for (const Choice choice : {Choice::kGarbage, Choice::kStale}) {
          selection[node] = choice;
          if (!for_each_permitted(node + 1, selection, take)) {
            return false;
          }
        }
      }
    }
    selection[node] = Choice::kPresent;
    return for_each_permitted(node + 1, selection, take);
  }

  [[nodiscard]] bool may_be_garbage(NodeIndex node) const {
    return options_.garbage && model_.may_be_garbage(node);
  }

  [[nodiscard]] bool has_needs_of(NodeIndex node, const Selection& selection) const {
    const std::vector<NodeIndex> needs = model_.needs_of(model_.node(node));
    return std::all_of(needs.begin(), needs.end(),
                       [&](NodeIndex needed) { return selection[needed] == Choice::kPresent; });
  }

  void take_samples() {
    Random random(options_.seed, fmt::format("crash/states/{}", model_.point()));
    const std::vector<PendingWrite> writes = newest_writes();
    for (std::uint64_t i = 0; i < options_.samples && !count_.stopped; ++i) {
      Selection selection = model_.only_durable();
      const double density = 0.1 + 0.8 * random.fraction();
      const std::size_t end = random.chance(0.5) ? random.below(size_) + 1 : size_;
      for (NodeIndex node(0); node.value() < end; ++node) {
        if (random.chance(density)) {
          selection[node] = Choice::kPresent;
        }
      }
      if (random.chance(0.5)) {
        model_.add_needed(selection);
      } else {
        model_.drop_dependents(selection);
      }
      for (const NodeIndex node : model_.indices()) {
        if (!selection.has(node) && may_be_garbage(node) && random.chance(0.1)) {
          const Choice filling = random.chance(0.5) ? Choice::kGarbage : Choice::kStale;
          selection[node] = has_needs_of(node, selection) ? filling : Choice::kAbsent;
        }
      }
      if (model_.profile().tears != Tears::kBetweenBlocks &&
          options_.torn_writes != TornWrites::kNone && !writes.empty() && random.chance(0.3)) {
        const PendingWrite& write = writes[random.below(writes.size())];
        const std::vector<Tear> possible = tears(write);
        std::optional<Selection> torn;
        if (!possible.empty()) {
          torn = model_.torn(selection, possible[random.below(possible.size())]);
        }
        if (torn) {
          selection = *std::move(torn);
        }
      }
      give(Phase::kSampled, std::move(selection));
    }
  }

  CrashModel& model_;
  const StateOptions& options_;
  const std::function<bool(CrashState&&)>& visit_;
  std::size_t size_;
  std::vector<Nodes> calls_;
  std::vector<Nodes> operations_;
  std::unordered_set<std::string> seen_;
  std::unordered_set<Digest> digests_;
  StateCount count_;
};

}  // namespace

std::string_view to_string(Phase phase) {
  switch (phase) {
    case Phase::kEverything:
      return "everything applied";
    case Phase::kOnlyDurable:
      return "only what is durable";
    case Phase::kLeftOut:
      return "one operation left out";
    case Phase::kAlone:
      return "one operation alone";
    case Phase::kPrefix:
      return "a prefix";
    case Phase::kLeftOutOfPrefix:
      return "one operation left out of a prefix";
    case Phase::kTorn:
      return "a torn write";
    case Phase::kRemaining:
      return "the remaining states";
    case Phase::kSampled:
      return "a sample";
  }
  return "";
}

std::optional<TornWrites> find_torn_writes(std::string_view word) {
  constexpr std::pair<std::string_view, TornWrites> kWords[] = {{"none", TornWrites::kNone},
                                                                {"half", TornWrites::kHalf},
                                                                {"sector", TornWrites::kSector},
                                                                {"byte", TornWrites::kByte}};
  const auto at = std::find_if(std::begin(kWords), std::end(kWords),
                               [word](const auto& entry) { return entry.first == word; });
  return at == std::end(kWords) ? std::nullopt : std::optional(at->second);
}

StateCount for_each_state(CrashModel& model, const StateOptions& options,
                          const std::function<bool(CrashState&&)>& visit) {
  return Enumeration(model, options, visit).run();
}

}  // namespace crashpoint::crash
