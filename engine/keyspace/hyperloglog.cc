#include "engine/keyspace/hyperloglog.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <span>

namespace engine::keyspace {
namespace {

constexpr std::string_view kMagic = "HYLL";
constexpr std::size_t kEncodingAt = 4;
constexpr std::size_t kEstimateAt = 8;
constexpr std::size_t kHeaderBytes = 16;
constexpr std::uint8_t kDense = 0;
constexpr std::uint8_t kSparse = 1;
constexpr std::size_t kDenseBytes = kHeaderBytes + HyperLogLog::kRegisters * 6 / 8;

constexpr unsigned kIndexBits = 14;  // of the hash choose the register,
constexpr unsigned kCountBits = 50;  // the others give its value
constexpr std::size_t kHistogramSize = 64;
using Histogram = std::array<int, kHistogramSize>;

constexpr std::uint8_t kValueMax = 32;      // of a run
constexpr std::size_t kValueRunMax = 4;     // registers
constexpr std::size_t kShortZerosMax = 64;  // registers

// --- registers of 6 bits ---

std::uint8_t dense_register(std::string_view registers, std::size_t index) {
  const std::size_t byte = index * 6 / 8;
  const unsigned shift = index * 6 % 8;
  unsigned bits = unsigned{static_cast<unsigned char>(registers[byte])} >> shift;
  if (shift > 2) {
    bits |= static_cast<unsigned>(static_cast<unsigned char>(registers[byte + 1])) << (8 - shift);
  }
  return static_cast<std::uint8_t>(bits & 63);
}

void set_dense_register(std::uint8_t* registers, std::size_t index, std::uint8_t value) {
  const std::size_t byte = index * 6 / 8;
  const unsigned shift = index * 6 % 8;
  const auto put = [registers](std::size_t at, unsigned mask, unsigned bits) {
    registers[at] = static_cast<std::uint8_t>((registers[at] & ~mask) | (bits & 0xff));
  };
  put(byte, 63u << shift, static_cast<unsigned>(value) << shift);
  if (shift > 2) {
    put(byte + 1, 63u >> (8 - shift), static_cast<unsigned>(value) >> (8 - shift));
  }
}

// --- runs ---

struct Run {
  std::size_t bytes;   // that its code takes
  std::size_t length;  // registers
  std::uint8_t value;
  bool in_two_bytes() const { return bytes == 2; }
};

Run run_at(std::string_view runs, std::size_t at) {
  const auto first = static_cast<std::uint8_t>(runs[at]);
  if ((first & 0x80) != 0) {
    return {1, (first & 3u) + 1, static_cast<std::uint8_t>((first >> 2 & 31) + 1)};
  }
  if ((first & 0x40) == 0) {
    return {1, (first & 63u) + 1, 0};
  }
  // Where the second byte is missing the run is corrupted: its `bytes` lead beyond the end.
  const std::size_t second =
      at + 1 < runs.size() ? static_cast<std::uint8_t>(runs[at + 1]) : std::size_t{0};
  return {2, ((first & 63u) << 8 | second) + 1, 0};
}

std::uint8_t value_run(std::uint8_t value, std::size_t length) {
  return static_cast<std::uint8_t>(0x80u | (value - 1u) << 2 | (length - 1));
}

// Appends the code of `length` zeros.
std::uint8_t* put_zeros(std::uint8_t* out, std::size_t length) {
  if (length > kShortZerosMax) {
    *out++ = static_cast<std::uint8_t>(0x40u | (length - 1) >> 8);
    *out++ = static_cast<std::uint8_t>((length - 1) & 0xff);
  } else {
    *out++ = static_cast<std::uint8_t>(length - 1);
  }
  return out;
}

// Calls fn(first register, Run) for each run up to one that leads beyond the last register. True
// when each register was covered once.
template <typename Fn>
bool for_each_run(std::string_view runs, Fn&& fn) {
  std::size_t index = 0;
  for (std::size_t at = 0; at < runs.size();) {
    const Run run = run_at(runs, at);
    if (at + run.bytes > runs.size() || index + run.length > HyperLogLog::kRegisters) {
      return false;
    }
    fn(index, run);
    index += run.length;
    at += run.bytes;
  }
  return index == HyperLogLog::kRegisters;
}

// --- the estimate: Otmar Ertl, "New cardinality estimation algorithms for HyperLogLog sketches" ---

double sigma(double x) {
  if (x == 1.) {
    return std::numeric_limits<double>::infinity();
  }
  double y = 1;
  double z = x;
  double before = 0;
  do {
    x *= x;
    before = z;
    z += x * y;
    y += y;
  } while (before != z);
  return z;
}

double tau(double x) {
  if (x == 0. || x == 1.) {
    return 0.;
  }
  double y = 1;
  double z = 1 - x;
  double before = 0;
  do {
    x = std::sqrt(x);
    before = z;
    y *= 0.5;
    z -= std::pow(1 - x, 2) * y;
  } while (before != z);
  return z / 3;
}

std::uint64_t estimate_of(const Histogram& histogram) {
  constexpr double kAlpha = 0.721347520444481703680;  // 0.5 / ln(2)
  constexpr double kCount = HyperLogLog::kRegisters;
  double z = kCount * tau((kCount - histogram[kCountBits + 1]) / kCount);
  for (std::size_t i = kCountBits; i >= 1; --i) {
    z += histogram[i];
    z *= 0.5;
  }
  z += kCount * sigma(histogram[0] / kCount);
  return static_cast<std::uint64_t>(std::llroundl(kAlpha * kCount * kCount / z));
}

// --- the hash: MurmurHash64A (Austin Appleby, public domain), little endian ---

std::uint64_t hash(std::string_view text) {
  constexpr std::uint64_t kSeed = 0xadc83b19;
  constexpr std::uint64_t kMultiplier = 0xc6a4a7935bd1e995;
  constexpr unsigned kShift = 47;
  std::uint64_t h = kSeed ^ (text.size() * kMultiplier);
  const auto word_at = [&text](std::size_t at, std::size_t size) {
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < size; ++i) {
      word |= static_cast<std::uint64_t>(static_cast<unsigned char>(text[at + i])) << 8 * i;
    }
    return word;
  };
  const std::size_t tail = text.size() & 7;
  for (std::size_t at = 0; at + 8 <= text.size(); at += 8) {
    std::uint64_t word = word_at(at, 8) * kMultiplier;
    word ^= word >> kShift;
    h = (h ^ (word * kMultiplier)) * kMultiplier;
  }
  if (tail != 0) {
    h = (h ^ word_at(text.size() - tail, tail)) * kMultiplier;
  }
  h = (h ^ h >> kShift) * kMultiplier;
  return h ^ h >> kShift;
}

}  // namespace

Object HyperLogLog::create() {
  std::string bytes(kHeaderBytes, '\0');
  bytes.replace(0, kMagic.size(), kMagic);
  bytes[kEncodingAt] = kSparse;
  std::array<std::uint8_t, 2> zeros{};
  put_zeros(zeros.data(), kRegisters);
  bytes.append(zeros.begin(), zeros.end());
  Object value = Object::verbatim_string(bytes);
  value.resize(bytes.size());
  return value;
}

bool HyperLogLog::is_one(const Object& value) {
  if (value.type() != Type::kString || value.is_integer()) {
    return false;
  }
  const Element held = value.text();
  const std::string_view text = held.text();
  if (text.size() < kHeaderBytes || !text.starts_with(kMagic)) {
    return false;
  }
  const auto encoding = static_cast<std::uint8_t>(text[kEncodingAt]);
  return encoding == kSparse || (encoding == kDense && text.size() == kDenseBytes);
}

bool HyperLogLog::is_dense(const Object& value) {
  return value.text().text()[kEncodingAt] == kDense;
}

bool HyperLogLog::merge(const Object& value, Registers& registers) {
  const Element held = value.text();
  const std::string_view body = held.text().substr(kHeaderBytes);
  if (is_dense(value)) {
    for (std::size_t i = 0; i < kRegisters; ++i) {
      registers[i] = std::max(registers[i], dense_register(body, i));
    }
    return true;
  }
  return for_each_run(body, [&registers](std::size_t first, const Run& run) {
    if (run.value != 0) {
      for (std::uint8_t& each : std::span(registers).subspan(first, run.length)) {
        each = std::max(each, run.value);
      }
    }
  });
}

std::uint64_t HyperLogLog::estimate(const Registers& registers) {
  Histogram histogram{};
  for (const std::uint8_t each : registers) {
    ++histogram[each];
  }
  return estimate_of(histogram);
}

HyperLogLog::HyperLogLog(Object& value) : value_(value) {
  mutable_bytes();
}

std::string_view HyperLogLog::bytes() const {
  return value_.text().text();
}

std::uint8_t* HyperLogLog::mutable_bytes() {
  return reinterpret_cast<std::uint8_t*>(value_.resize(value_.size()));
}

std::optional<std::uint64_t> HyperLogLog::kept_estimate() const {
  std::uint64_t kept = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    kept |= static_cast<std::uint64_t>(static_cast<std::uint8_t>(bytes()[kEstimateAt + i]))
            << 8 * i;
  }
  return kept >> 63 != 0 ? std::nullopt : std::optional(kept);
}

// Only the histogram of the registers matters for the estimate.
std::optional<std::uint64_t> HyperLogLog::renew_estimate() {
  Histogram histogram{};
  const std::string_view body = bytes().substr(kHeaderBytes);
  if (is_dense()) {
    for (std::size_t i = 0; i < kRegisters; ++i) {
      ++histogram[dense_register(body, i)];
    }
  } else {
    std::size_t covered = 0;
    for (std::size_t at = 0; at < body.size();) {
      const Run run = run_at(body, at);
      if (at + run.bytes > body.size()) {
        return std::nullopt;
      }
      histogram[run.value] += static_cast<int>(run.length);
      covered += run.length;
      at += run.bytes;
    }
    if (covered != kRegisters) {
      return std::nullopt;
    }
  }
  const std::uint64_t estimate = estimate_of(histogram);
  std::uint8_t* out = mutable_bytes() + kEstimateAt;
  for (std::size_t i = 0; i < 8; ++i) {
    out[i] = static_cast<std::uint8_t>(estimate >> 8 * i);
  }
  return estimate;
}

void HyperLogLog::outdate_estimate() {
  mutable_bytes()[kEstimateAt + 7] |= 0x80;
}

HyperLogLog::Added HyperLogLog::add(std::string_view element, std::size_t sparse_bytes_max) {
  const std::uint64_t bits = hash(element);
  // The place of the first one among the bits that do not choose the register.
  const std::uint64_t rest = bits >> kIndexBits | std::uint64_t{1} << kCountBits;
  const auto count = static_cast<std::uint8_t>(__builtin_ctzll(rest) + 1);
  return raise(bits % kRegisters, count, sparse_bytes_max);
}

HyperLogLog::Added HyperLogLog::raise(std::size_t index, std::uint8_t count,
                                      std::size_t sparse_bytes_max) {
  return is_dense() ? raise_dense(index, count) : raise_sparse(index, count, sparse_bytes_max);
}

bool HyperLogLog::to_dense() {
  if (is_dense()) {
    return true;
  }
  std::array<std::uint8_t, kDenseBytes> dense{};
  std::memcpy(dense.data(), bytes().data(), kHeaderBytes);
  dense[kEncodingAt] = kDense;
  const bool is_whole =
      for_each_run(bytes().substr(kHeaderBytes), [&dense](std::size_t first, const Run& run) {
        for (std::size_t i = 0; run.value != 0 && i < run.length; ++i) {
          set_dense_register(dense.data() + kHeaderBytes, first + i, run.value);
        }
      });
  if (is_whole) {
    std::memcpy(value_.resize(kDenseBytes), dense.data(), kDenseBytes);
  }
  return is_whole;
}

HyperLogLog::Added HyperLogLog::raise_dense(std::size_t index, std::uint8_t count) {
  if (dense_register(bytes().substr(kHeaderBytes), index) >= count) {
    return Added::kNothing;
  }
  set_dense_register(mutable_bytes() + kHeaderBytes, index, count);
  return Added::kChanged;
}

HyperLogLog::Added HyperLogLog::promote(std::size_t index, std::uint8_t count) {
  return to_dense() ? raise_dense(index, count) : Added::kCorrupted;
}

// The run of the register is split around it, or changed where it is of this register alone.
HyperLogLog::Added HyperLogLog::raise_sparse(std::size_t index, std::uint8_t count,
                                             std::size_t sparse_bytes_max) {
  if (count > kValueMax) {
    return promote(index, count);
  }
  const std::string_view runs = bytes().substr(kHeaderBytes);
  std::size_t first = 0;   // register of the run at `at`
  std::size_t before = 0;  // where the run before it is
  std::size_t at = 0;
  for (; at < runs.size(); before = at, at += run_at(runs, at).bytes) {
    const std::size_t length = run_at(runs, at).length;
    if (index < first + length) {
      break;
    }
    first += length;
  }
  if (at >= runs.size()) {
    return Added::kCorrupted;
  }
  const Run run = run_at(runs, at);
  if (at + run.bytes > runs.size()) {
    return Added::kCorrupted;
  }
  if (run.value >= count) {
    return Added::kNothing;
  }
  const std::size_t left = index - first;
  const std::size_t right = run.length - left - 1;
  std::array<std::uint8_t, 5> split{};
  std::uint8_t* end = split.data();
  const auto put_rest = [&run](std::uint8_t* out, std::size_t length) {
    if (length == 0) {
      return out;
    }
    if (run.value == 0) {
      return put_zeros(out, length);
    }
    *out = value_run(run.value, length);
    return out + 1;
  };
  end = put_rest(end, left);
  *end++ = value_run(count, 1);
  end = put_rest(end, right);

  const std::size_t old_size = kHeaderBytes + runs.size();
  const auto split_bytes = static_cast<std::size_t>(end - split.data());
  const std::size_t new_size = old_size - run.bytes + split_bytes;
  if (new_size > old_size && new_size > sparse_bytes_max) {
    return promote(index, count);
  }
  value_.resize(std::max(old_size, new_size));
  std::uint8_t* place = mutable_bytes() + kHeaderBytes + at;
  std::memmove(place + split_bytes, place + run.bytes, runs.size() - at - run.bytes);
  std::memcpy(place, split.data(), split_bytes);
  value_.resize(new_size);
  join_runs(before);
  outdate_estimate();
  return Added::kChanged;
}

// Adjacent runs of the same value become one, among the five codes from `from` on.
void HyperLogLog::join_runs(std::size_t from) {
  constexpr int kCodesLookedAt = 5;
  std::size_t at = kHeaderBytes + from;
  std::size_t size = value_.size();
  std::uint8_t* codes = mutable_bytes();
  const auto is_value = [codes](std::size_t place) { return (codes[place] & 0x80) != 0; };
  for (int left = kCodesLookedAt; at < size && left > 0; --left) {
    if (!is_value(at)) {
      at += (codes[at] & 0x40) != 0 ? 2 : 1;
      continue;
    }
    if (at + 1 < size && is_value(at + 1) && codes[at] >> 2 == codes[at + 1] >> 2) {
      const std::size_t length = (codes[at] & 3u) + (codes[at + 1] & 3u) + 2;
      if (length <= kValueRunMax) {
        codes[at + 1] = static_cast<std::uint8_t>((codes[at] & ~3u) | (length - 1));
        std::memmove(codes + at, codes + at + 1, size - at - 1);
        --size;
        continue;
      }
    }
    ++at;
  }
  value_.resize(size);
}

std::string HyperLogLog::runs_text() const {
  const std::string_view runs = bytes().substr(kHeaderBytes);
  std::string text;
  for (std::size_t at = 0; at < runs.size();) {
    const Run run = run_at(runs, at);
    const std::string length = std::to_string(run.length);
    text += text.empty() ? "" : " ";
    if (run.value != 0) {
      text += "v:" + std::to_string(run.value) + "," + length;
    } else {
      text += (run.in_two_bytes() ? "Z:" : "z:") + length;
    }
    at += run.bytes;
  }
  return text;
}

}  // namespace engine::keyspace
