#include "harness/crash/damage/damage.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <utility>

#include "harness/base/error.h"
#include "harness/base/glob.h"
#include "harness/base/random.h"
#include "harness/base/text.h"
#include "harness/crash/damage/file_history.h"

namespace crashpoint::crash {
namespace {

using Kind = trace::ImageEntry::Kind;

template <typename... Visitors>
struct Overloaded : Visitors... {
  using Visitors::operator()...;
};
template <typename... Visitors>
Overloaded(Visitors...) -> Overloaded<Visitors...>;

void check_path(std::string_view path) {
  if (const std::string problem = outside_problem(path); !problem.empty()) {
    throw UsageError(fmt::format("damage: '{}' {}", path, problem));
  }
}

// ---- files and offsets

std::string names_of_files(const trace::Image& image) {
  std::vector<std::string> names;
  for (const auto& [path, entry] : image) {
    if (entry.kind == Kind::kFile) {
      names.push_back(path);
    }
  }
  constexpr std::size_t kShown = 12;
  if (names.empty()) {
    return "no file at all";
  }
  const std::size_t shown = std::min(names.size(), kShown);
  return fmt::format("{}{}",
                     fmt::join(names.begin(), names.begin() + static_cast<long>(shown), ", "),
                     names.size() > shown ? ", ..." : "");
}

std::vector<std::string> files_matching(const std::string& glob, const trace::Image& image) {
  std::vector<std::string> files;
  std::string other;
  for (const auto& [path, entry] : image) {
    if (!glob_match(glob, path)) {
      continue;
    }
    if (entry.kind == Kind::kFile) {
      files.push_back(path);
    } else {
      other = fmt::format(" ({} is a {})", path,
                          entry.kind == Kind::kDirectory ? "directory" : "symlink: never followed");
    }
  }
  if (files.empty()) {
    throw UsageError(fmt::format("damage: no file matches '{}' after the crash{}; there is {}",
                                 glob, other, names_of_files(image)));
  }
  return files;
}

trace::ImageEntry& file_at(const std::string& path, trace::Image& image) {
  const auto at = image.find(path);
  if (at == image.end() || at->second.kind != Kind::kFile) {
    throw UsageError(
        fmt::format("damage: there is no file {}; there is {}", path, names_of_files(image)));
  }
  return at->second;
}

std::uint64_t resolve(const Offset& offset, std::uint64_t size, const std::string& path) {
  if (offset.bytes > size) {
    throw UsageError(
        fmt::format("damage: {}{} lies outside {}, which has {}", counted(offset.bytes, "byte"),
                    offset.from_end ? " before the end" : "", path, counted(size, "byte")));
  }
  return offset.from_end ? size - offset.bytes : offset.bytes;
}

struct Span {
  std::uint64_t from = 0;
  std::uint64_t to = 0;
};

Span resolve(const ByteRange& range, std::uint64_t size, const std::string& path) {
  const Span span{resolve(range.from, size, path), resolve(range.to, size, path)};
  if (span.from > span.to) {
    throw UsageError(fmt::format("damage: the range {} to {} of {} ends before it begins",
                                 span.from, span.to, path));
  }
  return span;
}

// ---- what each kind of damage expands to, for one file

std::vector<DamageAction> sizes_between(std::uint64_t from, std::uint64_t to, std::uint64_t step) {
  std::vector<DamageAction> actions;
  for (std::uint64_t size = from; size <= to; size += std::max<std::uint64_t>(step, 1)) {
    actions.emplace_back(Truncate{{size, false}});
  }
  return actions;
}

bool expands(const DamageAction& action) {
  return std::holds_alternative<TruncateEvery>(action) ||
         std::holds_alternative<TruncateLastCommands>(action) ||
         std::holds_alternative<FlipEveryByte>(action);
}

std::vector<DamageAction> expand_for(const std::string& path, std::uint64_t size,
                                     const DamageAction& action, const RunContext& run) {
  return std::visit(Overloaded{
                        [&](const TruncateEvery& every) {
                          const Span span = resolve(ByteRange{every.from, every.to}, size, path);
                          return sizes_between(span.from, span.to, every.step);
                        },
                        [&](const TruncateLastCommands& last) {
                          const std::optional<Extent> theirs = last_commands(run, path, last.count);
                          if (!theirs || theirs->from >= size) {
                            throw UsageError(fmt::format("damage: the last {} wrote nothing to {}",
                                                         counted(last.count, "command"), path));
                          }
                          return sizes_between(theirs->from, std::min(theirs->to, size) - 1, 1);
                        },
                        [&](const FlipEveryByte& every) {
                          const Span span = resolve(every.range, size, path);
                          std::vector<DamageAction> actions;
                          for (std::uint64_t at = span.from; at < span.to;
                               at += std::max<std::uint64_t>(every.step, 1)) {
                            actions.emplace_back(FlipRandomBits{{{at, false}, {at + 1, false}}, 1});
                          }
                          return actions;
                        },
                        [&](const auto& one) { return std::vector<DamageAction>{one}; },
                    },
                    action);
}

std::string text_of(const Offset& offset) {
  return offset.from_end ? fmt::format("end-{}", offset.bytes) : fmt::format("{}", offset.bytes);
}

std::string text_of(const ByteRange& range) {
  return fmt::format("{}..{}", text_of(range.from), text_of(range.to));
}

std::string name_of(const Damage& damage) {
  const std::string& file = damage.file;
  return std::visit(
      Overloaded{
          [&](const Truncate& d) {
            return fmt::format("truncate {} to {}", file, text_of(d.size));
          },
          [&](const FlipBit& d) {
            return fmt::format("flip bit {} of byte {} of {}", d.bit, text_of(d.byte), file);
          },
          [&](const FlipRandomBits& d) {
            return fmt::format("flip {} in {} of {}", counted(d.count, "bit"), text_of(d.range),
                               file);
          },
          [&](const Zero& d) { return fmt::format("zero {} of {}", text_of(d.range), file); },
          [&](const Garbage& d) {
            return fmt::format("garbage in {} of {}", text_of(d.range), file);
          },
          [&](const Append& d) {
            return fmt::format("append '{}' to {}", shorten(d.bytes, 24), file);
          },
          [&](const AppendZeros& d) { return fmt::format("append {} zeros to {}", d.bytes, file); },
          [&](const AppendGarbage& d) {
            return fmt::format("append {} of garbage to {}", counted(d.bytes, "byte"), file);
          },
          [&](const DuplicateTail& d) {
            return fmt::format("duplicate the last {} of {}", counted(d.bytes, "byte"), file);
          },
          [&](const Swap& d) { return fmt::format("swap {} with {}", file, d.with); },
          [&](const Remove&) { return fmt::format("remove {}", file); },
          [&](const Empty&) { return fmt::format("empty {}", file); },
          [&](const EarlierVersion& d) {
            return fmt::format("{} of {}", counted(d.back, "version back", "versions back"), file);
          },
          [&](const Chmod& d) { return fmt::format("chmod {:o} {}", d.mode, file); },
          [&](const TruncateEvery&) { return fmt::format("truncate {} at every length", file); },
          [&](const TruncateLastCommands& d) {
            return fmt::format("truncate {} within its last {}", file, counted(d.count, "command"));
          },
          [&](const FlipEveryByte&) { return fmt::format("flip a bit of every byte of {}", file); },
      },
      damage.action);
}

// ---- doing it

void flip_random_bits(std::string& bytes, const Span& span, std::uint64_t count,
                      const std::string& path, Random& random) {
  const std::uint64_t available = (span.to - span.from) * 8;
  if (count > available) {
    throw UsageError(fmt::format("damage: {} has {} in bytes {} to {}, not {}", path,
                                 counted(available, "bit"), span.from, span.to, count));
  }
  std::set<std::uint64_t> bits;
  while (bits.size() < count) {
    bits.insert(random.below(available));
  }
  for (const std::uint64_t bit : bits) {
    char& byte = bytes[span.from + bit / 8];
    byte = static_cast<char>(static_cast<unsigned char>(byte) ^ (1U << (bit % 8)));
  }
}

class Application {
 public:
  Application(const Damage& damage, trace::Image& image, Random random, const RunContext& run)
      : path_(damage.file), image_(image), random_(random), run_(run) {}

  void operator()(const Truncate& truncate) {
    change([&](std::string& bytes) { bytes.resize(resolve(truncate.size, bytes.size(), path_)); });
  }
  void operator()(const FlipBit& flip) {
    change([&](std::string& bytes) {
      const std::uint64_t at = resolve(flip.byte, bytes.size(), path_);
      if (at == bytes.size() || flip.bit > 7) {
        throw UsageError(fmt::format("damage: {} has no bit {} of byte {}; it has {}", path_,
                                     flip.bit, at, counted(bytes.size(), "byte")));
      }
      bytes[at] = static_cast<char>(static_cast<unsigned char>(bytes[at]) ^ (1U << flip.bit));
    });
  }
  void operator()(const FlipRandomBits& flip) {
    change([&](std::string& bytes) {
      flip_random_bits(bytes, resolve(flip.range, bytes.size(), path_), flip.count, path_, random_);
    });
  }
  void operator()(const Zero& zero) {
    change([&](std::string& bytes) {
      const Span span = resolve(zero.range, bytes.size(), path_);
      bytes.replace(span.from, span.to - span.from, span.to - span.from, '\0');
    });
  }
  void operator()(const Garbage& garbage) {
    change([&](std::string& bytes) {
      const Span span = resolve(garbage.range, bytes.size(), path_);
      bytes.replace(span.from, span.to - span.from, random_.bytes(span.to - span.from));
    });
  }
  void operator()(const Append& append) {
    change([&](std::string& bytes) { bytes += append.bytes; });
  }
  void operator()(const AppendZeros& append) {
    change([&](std::string& bytes) { bytes.append(append.bytes, '\0'); });
  }
  void operator()(const AppendGarbage& append) {
    change([&](std::string& bytes) { bytes += random_.bytes(append.bytes); });
  }
  void operator()(const DuplicateTail& tail) {
    change([&](std::string& bytes) {
      bytes += std::string(bytes, resolve(Offset{tail.bytes, true}, bytes.size(), path_));
    });
  }
  void operator()(const Swap& swap) {
    std::swap(file_at(path_, image_), file_at(swap.with, image_));
  }
  void operator()(const Remove&) {
    (void)file_at(path_, image_);
    image_.erase(path_);
  }
  void operator()(const Empty&) {
    change([](std::string& bytes) { bytes.clear(); });
  }
  void operator()(const EarlierVersion& earlier) {
    change([&](std::string& bytes) { bytes = earlier_version(run_, path_, bytes, earlier.back); });
  }
  void operator()(const Chmod& chmod) { file_at(path_, image_).mode = chmod.mode & 07777U; }
  // These stand for several cases, and are expanded before one is applied.
  void operator()(const TruncateEvery&) { refuse(); }
  void operator()(const TruncateLastCommands&) { refuse(); }
  void operator()(const FlipEveryByte&) { refuse(); }

 private:
  [[noreturn]] void refuse() const {
    throw UsageError(fmt::format("damage of {} stands for several cases: expand it first", path_));
  }

  // A file with several names changes under all of them.
  template <typename Change>
  void change(const Change& change_bytes) {
    trace::ImageEntry& entry = file_at(path_, image_);
    change_bytes(entry.content);
    for (auto& [path, other] : image_) {
      if (entry.file != 0 && other.file == entry.file && &other != &entry) {
        other.content = entry.content;
      }
    }
  }

  const std::string& path_;
  trace::Image& image_;
  Random random_;
  const RunContext& run_;
};

void apply_in_order(std::span<const Damage> damages, trace::Image& image, std::uint64_t seed,
                    const RunContext& run) {
  for (std::size_t i = 0; i < damages.size(); ++i) {
    check(damages[i]);
    Random random(seed, fmt::format("damage/{}/{}", i, damages[i].file));
    std::visit(Application(damages[i], image, random, run), damages[i].action);
  }
}

// Adds the cases that damages[at...] make of `begun`, which left `image`.
void expand_from(std::size_t at, std::span<const Damage> damages, const trace::Image& image,
                 const RunContext& run, const DamageCase& begun, std::vector<DamageCase>& cases) {
  if (at == damages.size()) {
    cases.push_back(begun);
    return;
  }
  check(damages[at]);
  const auto add_case = [&](const std::vector<Damage>& done) {
    DamageCase next = begun;
    for (const Damage& damage : done) {
      next.name += (next.name.empty() ? "" : ", ") + name_of(damage);
      next.damages.push_back(damage);
    }
    if (at + 1 == damages.size()) {
      cases.push_back(std::move(next));
      return;
    }
    trace::Image changed = image;
    apply_in_order(done, changed, 0, run);
    expand_from(at + 1, damages, changed, run, next, cases);
  };
  std::vector<Damage> together;  // what does not expand is applied to all files at once
  for (const std::string& file : files_matching(damages[at].file, image)) {
    if (!expands(damages[at].action)) {
      together.push_back({file, damages[at].action});
      continue;
    }
    for (const DamageAction& action :
         expand_for(file, image.at(file).content.size(), damages[at].action, run)) {
      add_case({{file, action}});
    }
  }
  if (!together.empty()) {
    add_case(together);
  }
}

}  // namespace

void check(const Damage& damage) {
  check_path(damage.file);
  if (const auto* const swap = std::get_if<Swap>(&damage.action)) {
    check_path(swap->with);
  }
}

std::vector<DamageCase> expand(std::span<const Damage> damages, const trace::Image& image,
                               const RunContext& run) {
  std::vector<DamageCase> cases;
  expand_from(0, damages, image, run, {}, cases);
  return cases;
}

void apply(const DamageCase& damage_case, trace::Image& image, std::uint64_t seed,
           const RunContext& run) {
  trace::Image changed = image;
  apply_in_order(damage_case.damages, changed, seed, run);
  image = std::move(changed);
}

}  // namespace crashpoint::crash
