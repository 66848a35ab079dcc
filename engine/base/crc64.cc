#include "engine/base/crc64.h"

#include <array>
#include <cstddef>

#include "engine/base/bytes.h"

namespace engine {
namespace {

constexpr std::uint64_t kReflectedPolynomial = 0x95ac9329ac4bc9b5;
constexpr std::size_t kSlices = 16;

using Table = std::array<std::uint64_t, 256>;

// Slicing-by-16 (Kounavis and Berry): table k holds what a byte contributes from k bytes further
// on, so that sixteen independent look-ups replace sixteen dependent steps.
constexpr std::array<Table, kSlices> make_tables() {
  std::array<Table, kSlices> tables = {};
  for (std::uint64_t byte = 0; byte < 256; ++byte) {
    std::uint64_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc >> 1) ^ ((crc & 1) != 0 ? kReflectedPolynomial : 0);
    }
    tables[0][byte] = crc;
  }
  for (std::size_t k = 1; k < kSlices; ++k) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint64_t before = tables[k - 1][byte];
      tables[k][byte] = (before >> 8) ^ tables[0][before & 0xff];
    }
  }
  return tables;
}

constexpr std::array<Table, kSlices> kTables = make_tables();

}  // namespace

std::uint64_t crc64(std::uint64_t crc, std::string_view bytes) {
  const char* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= kSlices; left -= kSlices, at += kSlices) {
    const std::uint64_t low = load_le<std::uint64_t>(at) ^ crc;
    const std::uint64_t high = load_le<std::uint64_t>(at + 8);
    crc = 0;
    for (std::size_t i = 0; i < 8; ++i) {
      crc ^= kTables[15 - i][(low >> (8 * i)) & 0xff] ^ kTables[7 - i][(high >> (8 * i)) & 0xff];
    }
  }
  for (; left > 0; --left, ++at) {
    crc = (crc >> 8) ^ kTables[0][(crc ^ static_cast<unsigned char>(*at)) & 0xff];
  }
  return crc;
}

}  // namespace engine
