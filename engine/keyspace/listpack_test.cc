#include "engine/keyspace/listpack.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace engine::keyspace {
namespace {

std::vector<std::string> forwards(const Listpack& pack) {
  std::vector<std::string> elements;
  for (auto at = pack.first(); at != pack.end(); at = pack.next(at)) {
    elements.push_back(pack.get(at).str());
  }
  return elements;
}

std::vector<std::string> backwards(const Listpack& pack) {
  std::vector<std::string> elements;
  for (auto at = pack.end(); at != pack.first();) {
    at = pack.previous(at);
    elements.insert(elements.begin(), pack.get(at).str());
  }
  return elements;
}

void expect_holds(const Listpack& pack, const std::vector<std::string>& elements) {
  EXPECT_EQ(forwards(pack), elements);
  EXPECT_EQ(backwards(pack), elements);
  EXPECT_EQ(pack.count(), elements.size());
  std::size_t count = 0;
  EXPECT_TRUE(Listpack::validate(pack.blob(), count));
  EXPECT_EQ(count, elements.size());
}

// Every width of integer and of length, at its bounds.
const std::vector<std::string>& bounds() {
  static const std::vector<std::string> values = [] {
    std::vector<std::string> texts = {
        "", "a", "-", "007", "+1", "1.5", "-0", "9223372036854775808", "99999999999999999999"};
    for (const int bits : {7, 12, 15, 23, 31, 63}) {
      const auto bound = static_cast<std::int64_t>((std::uint64_t{1} << bits) - 1);
      for (const std::int64_t value : {bound - 1, bound, -bound, -bound - 1}) {
        texts.push_back(std::to_string(value));
      }
      if (bits < 63) {
        texts.push_back(std::to_string(bound + 1));
        texts.push_back(std::to_string(-bound - 2));
      }
    }
    for (const std::size_t size : {63u, 64u, 125u, 126u, 127u, 4095u, 4096u, 16380u, 16383u}) {
      texts.emplace_back(size, 'x');
    }
    return texts;
  }();
  return values;
}

TEST(Listpack, ReadsBackEveryWidthOfIntegerAndString) {
  Listpack pack;
  for (const std::string& text : bounds()) {
    const std::size_t before = pack.bytes();
    pack.append(text);
    EXPECT_EQ(pack.bytes() - before, Listpack::entry_bytes(text)) << text;
  }
  expect_holds(pack, bounds());
  for (const std::string& text : bounds()) {
    EXPECT_EQ(pack.get(pack.find(text, pack.first())).text(), text);
  }
}

TEST(Listpack, HasTheBytesThatRedisWrites) {
  // Of DUMP in redis-server 7.0: RPUSH l a 1 -5 300.
  Listpack pack;
  for (const char* text : {"a", "1", "-5", "300"}) {
    pack.append(text);
  }
  using namespace std::string_view_literals;
  EXPECT_EQ(pack.blob(),
            "\x12\x00\x00\x00\x04\x00\x81"
            "a\x02\x01\x01\xdf\xfb\x02\xc1\x2c\x02\xff"sv);
}

RC_GTEST_PROP(Listpack, BehavesAsAVectorOfStrings, ()) {
  Listpack pack;
  std::vector<std::string> model;
  const auto steps = *rc::gen::arbitrary<std::vector<std::uint32_t>>();
  for (const std::uint32_t step : steps) {
    const std::string& text = bounds()[step / 7 % bounds().size()];
    const std::size_t index = model.empty() ? 0 : step / 400 % model.size();
    const auto at = pack.at(static_cast<std::int64_t>(index));
    const auto place = model.begin() + static_cast<std::ptrdiff_t>(index);
    switch (step % 7) {
      case 0:
        pack.prepend(text);
        model.insert(model.begin(), text);
        break;
      case 1:
        pack.insert(at, text);
        model.insert(place, text);
        break;
      case 2:
        if (!model.empty()) {
          pack.replace(at, text);
          *place = text;
        }
        break;
      case 3:
        if (!model.empty()) {
          const std::size_t count = std::min<std::size_t>(step / 50 % 3, model.size() - index);
          pack.erase(at, count);
          model.erase(place, place + static_cast<std::ptrdiff_t>(count));
        }
        break;
      case 4: {
        Listpack tail = pack.split(at);
        std::vector<std::string> rest(place, model.end());
        expect_holds(tail, rest);
        if (step % 2 == 0) {
          model.erase(place, model.end());
        } else {
          for (const std::string& each : rest) {
            pack.append(each);
          }
        }
        break;
      }
      default:
        pack.append(text);
        model.push_back(text);
    }
  }
  expect_holds(pack, model);
  for (std::int64_t index = 0; index < static_cast<std::int64_t>(model.size()); ++index) {
    const auto& wanted = model[static_cast<std::size_t>(index)];
    EXPECT_EQ(pack.get(pack.at(index)).text(), wanted);
    EXPECT_EQ(pack.get(pack.at(index - static_cast<std::int64_t>(model.size()))).text(), wanted);
  }
  EXPECT_EQ(pack.at(static_cast<std::int64_t>(model.size())), pack.end());
}

TEST(Listpack, CountsBeyondWhatItsHeaderHolds) {
  Listpack pack;
  for (int i = 0; i < 66'000; ++i) {
    pack.append("1");
  }
  EXPECT_EQ(pack.count(), 66'000u);
  EXPECT_EQ(pack.get(pack.at(-1)).text(), "1");
  pack.erase(pack.first(), 1000);
  EXPECT_EQ(pack.count(), 65'000u);
}

// Whatever validate() lets through can be walked both ways without leaving the block (ASan
// watches).
RC_GTEST_PROP(Listpack, ValidateLetsNothingThroughThatCannotBeWalked, ()) {
  Listpack pack;
  for (const auto index : *rc::gen::arbitrary<std::vector<std::uint8_t>>()) {
    pack.append(bounds()[index % 40]);
  }
  std::string blob(pack.blob());
  const auto changes = *rc::gen::inRange(1, 4);
  for (int i = 0; i < changes; ++i) {
    blob[*rc::gen::inRange<std::size_t>(0, blob.size())] = *rc::gen::arbitrary<char>();
  }
  blob.resize(blob.size() - *rc::gen::element<std::size_t>(0, 0, 0, 1, 3));
  std::size_t count = 0;
  if (Listpack::validate(blob, count)) {
    const Listpack copy = Listpack::from_blob(blob);
    RC_ASSERT(forwards(copy).size() == count);
    RC_ASSERT(backwards(copy) == forwards(copy));
  }
}

}  // namespace
}  // namespace engine::keyspace
