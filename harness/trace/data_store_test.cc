#include "harness/trace/data_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/error.h"

namespace crashpoint::trace {
namespace {

std::span<const std::byte> bytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

TEST(SegmentStore, GivesBackWhatWasAppended) {
  SegmentStore store;
  const DataRef first = store.append(bytes("first"));
  const DataRef none = store.append(bytes(""));
  const DataRef second = store.append(bytes(std::string("a\0b", 3)));
  EXPECT_EQ(store.view(first), "first");
  EXPECT_EQ(store.view(none), "");
  EXPECT_EQ(store.view(second), std::string("a\0b", 3));
}

TEST(SegmentStore, NothingCanBeTheFirstThingStored) {
  SegmentStore store;
  EXPECT_EQ(store.view(store.append(bytes(""))), "");
  EXPECT_EQ(store.view(store.append(bytes("then"))), "then");
}

TEST(SegmentStore, ViewsStayValidAcrossSegmentsAndIntoTheSpillFile) {
  SegmentStore store(/*memory_bytes=*/std::uint64_t{16} << 20);
  const std::string block(3 << 20, 'x');
  std::vector<DataRef> refs;
  std::vector<std::string_view> views;
  for (char c = 'a'; c < 'a' + 20; ++c) {  // 60 MiB: one segment in memory, the rest spilled
    refs.push_back(store.append(bytes(std::string(block.size(), c))));
    views.push_back(store.view(refs.back()));
  }
  const DataRef large = store.append(bytes(std::string(40 << 20, 'L')));  // over a whole segment
  for (char c = 'a'; c < 'a' + 20; ++c) {
    const auto index = static_cast<std::size_t>(c - 'a');
    EXPECT_EQ(views[index], std::string(block.size(), c));
    EXPECT_EQ(store.view(refs[index]).data(), views[index].data());
  }
  EXPECT_EQ(store.view(large), std::string(40 << 20, 'L'));
}

TEST(SegmentStore, NamedFileHoldsTheBytesAtTheirOffsets) {
  const std::string path = testing::TempDir() + "segment-store-test.data";
  DataRef ref;
  {
    SegmentStore store(SegmentStore::Named{path});
    store.append(bytes("before"));
    ref = store.append(bytes("payload"));
    EXPECT_EQ(store.view(ref), "payload");
  }
  std::ifstream file(path, std::ios::binary);
  const std::string content{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(content.substr(ref.offset, ref.size), "payload");
  EXPECT_EQ(content.size(), ref.offset + ref.size);
  std::filesystem::remove(path);
}

TEST(SegmentStore, SaysWhereItCouldNotWrite) {
  SegmentStore store(/*memory_bytes=*/0, "/nonexistent/spill");
  try {
    store.append(bytes("x"));
    FAIL() << "no spill directory, yet it stored";
  } catch (const EnvironmentError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("/nonexistent/spill"));
  }
}

}  // namespace
}  // namespace crashpoint::trace
