#include "engine/keyspace/lazy_free.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "engine/base/memory.h"
#include "engine/keyspace/keyspace.h"

namespace engine::keyspace {
namespace {

void wait_until_freed() {
  while (lazy_free::pending_objects() > 0) {
    std::this_thread::yield();
  }
}

Object list_of(int elements) {
  auto list = std::make_unique<List>();
  for (int i = 0; i < elements; ++i) {
    list->push(ListEnd::kBack, "element " + std::to_string(i), EncodingLimits());
  }
  return Object::list(std::move(list));
}

TEST(LazyFree, OfADatabaseLeavesItEmptyAtOnceAndGivesTheMemoryBack) {
  Keyspace keyspace;
  const std::size_t before = memory::used_bytes();
  for (int i = 0; i < 1000; ++i) {
    keyspace.database(3).insert("key " + std::to_string(i), list_of(10));
  }
  keyspace.database(4).insert("small", list_of(1));
  lazy_free::reset_freed_objects();
  keyspace.clear_lazily();
  EXPECT_EQ(keyspace.size(), 0U);
  keyspace.database(3).insert("key 1", Object::integer(1));
  EXPECT_EQ(keyspace.size(), 1U);
  keyspace.clear();
  wait_until_freed();
  EXPECT_EQ(lazy_free::freed_objects(), 1000U) << "a small database is freed at once";
  EXPECT_EQ(memory::used_bytes(), before);
}

TEST(LazyFree, OfAKeyHandsOverOnlyALargeCollection) {
  Database database;
  database.insert("large", list_of(1000));
  database.insert("small", list_of(10));
  database.insert("string", Object::string(std::string(100'000, 'x')));
  lazy_free::reset_freed_objects();
  EXPECT_TRUE(database.erase_lazily("large"));
  EXPECT_TRUE(database.erase_lazily("small"));
  EXPECT_TRUE(database.erase_lazily("string"));
  EXPECT_FALSE(database.erase_lazily("large"));
  wait_until_freed();
  EXPECT_EQ(lazy_free::freed_objects(), 1U);
  EXPECT_EQ(database.size(), 0U);
}

}  // namespace
}  // namespace engine::keyspace
