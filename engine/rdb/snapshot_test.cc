// What is written is read back, and nothing that is read can hurt.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/base/crc64.h"
#include "engine/base/files_for_test.h"
#include "engine/rdb/dump_payload.h"
#include "engine/rdb/snapshot_loader.h"
#include "engine/rdb/snapshot_writer.h"
#include "engine/rdb/values_for_test.h"

namespace engine::rdb {
namespace {

using ::testing::HasSubstr;

constexpr std::int64_t kNowMs = 1'700'000'000'000;

std::string write(const keyspace::Keyspace& keyspace, const SnapshotOptions& options = {}) {
  const TempDirectory directory;
  io::File file = io::File::open(directory.file("dump.rdb"), io::OpenMode::kCreate).value();
  const Status written = write_snapshot(file, keyspace, options);
  EXPECT_TRUE(written);
  return read_test_file(directory.file("dump.rdb"));
}

struct Loaded {
  keyspace::Keyspace keyspace;
  KeptLog log;
  Result<LoadResult> result = LoadResult();
};

std::unique_ptr<Loaded> load(const std::string& bytes, LoadOptions options = {}) {
  const TempDirectory directory;
  write_test_file(directory.file("dump.rdb"), bytes);
  const io::File file = io::File::open(directory.file("dump.rdb"), io::OpenMode::kRead).value();
  auto loaded = std::make_unique<Loaded>();
  options.now_ms = kNowMs;
  loaded->result = load_snapshot(file, loaded->keyspace, options, loaded->log);
  return loaded;
}

std::string why_refused(const std::string& bytes) {
  const auto loaded = load(bytes);
  return loaded->result ? "" : loaded->result.error().message;
}

TEST(Snapshot, BringsBackEveryTypeEncodingSizeAndExpiry) {
  for (const bool compress : {false, true}) {
    for (const bool checksum : {false, true}) {
      keyspace::Keyspace keyspace;
      fill_with_all_values(keyspace, kNowMs + 1'000'000);
      SnapshotOptions options;
      options.compress = compress;
      options.checksum = checksum;
      const auto loaded = load(write(keyspace, options));
      ASSERT_TRUE(loaded->result) << loaded->result.error().message;
      EXPECT_EQ(describe(loaded->keyspace), describe(keyspace));
      EXPECT_EQ(loaded->result->keys_loaded, static_cast<std::int64_t>(keyspace.size()));
    }
  }
}

TEST(Snapshot, CompressesOnlyWhenToldTo) {
  keyspace::Keyspace keyspace;
  keyspace.database(0).insert("k", keyspace::Object::string(std::string(10'000, 'x')));
  SnapshotOptions options;
  const std::size_t compressed = write(keyspace, options).size();
  options.compress = false;
  const std::size_t plain = write(keyspace, options).size();
  EXPECT_LT(compressed, 500U);
  EXPECT_GT(plain, 10'000U);
}

TEST(Snapshot, HasTheHeaderOfRedisServer) {
  keyspace::Keyspace keyspace;
  SnapshotOptions options;
  options.now_s = 1'700'000'000;
  const std::string bytes = write(keyspace, options);
  EXPECT_TRUE(
      bytes.starts_with(std::string("REDIS0010\xfa\x09redis-ver\x06"
                                    "7.0.15\xfa\x0aredis-bits\xc0\x40\xfa\x05"
                                    "ctime\xc2",
                                    44)));
  EXPECT_THAT(bytes, HasSubstr("aof-base"));
  const std::size_t body = bytes.size() - 8;
  EXPECT_EQ(static_cast<unsigned char>(bytes[body - 1]), 0xff);
  EXPECT_EQ(load_le<std::uint64_t>(bytes.data() + body), crc64(0, bytes.substr(0, body)));
}

TEST(Snapshot, KeepsWhatTheEvictionPolicyKnowsOfAKey) {
  for (const EvictionHint hint : {EvictionHint::kIdle, EvictionHint::kFrequency}) {
    keyspace::Keyspace keyspace;
    keyspace::Object& value =
        keyspace.database(0).insert("k", keyspace::Object::string("v")).object;
    set_idle(value, 1000, kNowMs / 1000 - 50);
    if (hint == EvictionHint::kFrequency) {
      set_frequency(value, 77, kNowMs / 1000);
    }
    SnapshotOptions options;
    options.eviction_hint = hint;
    options.now_s = kNowMs / 1000 - 50;
    const std::string bytes = write(keyspace, options);
    LoadOptions load_options;
    load_options.eviction_hint = hint;
    const auto loaded = load(bytes, load_options);
    const keyspace::Object& again = loaded->keyspace.database(0).find("k")->object;
    if (hint == EvictionHint::kIdle) {
      EXPECT_EQ(idle_seconds(again, kNowMs / 1000), 1000U);
    } else {
      EXPECT_EQ(frequency(again), 77);
    }
    load_options.eviction_hint = EvictionHint::kNone;
    const auto fresh = load(bytes, load_options);
    EXPECT_EQ(idle_seconds(fresh->keyspace.database(0).find("k")->object, kNowMs / 1000), 0U);
  }
}

TEST(Snapshot, DropsKeysWhoseTimeIsOverUnlessCommandsFollow) {
  keyspace::Keyspace keyspace;
  for (const auto& [key, at_ms] : {std::pair{"over", kNowMs - 1}, {"later", kNowMs + 1}}) {
    keyspace.database(0).set_expire(keyspace.database(0).insert(key, keyspace::Object::string("v")),
                                    at_ms);
  }
  const std::string bytes = write(keyspace);
  const auto snapshot = load(bytes);
  EXPECT_EQ(snapshot->keyspace.size(), 1U);
  EXPECT_EQ(snapshot->result->keys_expired, 1);
  LoadOptions base;
  base.keep_expired = true;
  EXPECT_EQ(load(bytes, base)->keyspace.size(), 2U);
}

TEST(Snapshot, TellsWhileItLoadsHowManyKeysItHas) {
  keyspace::Keyspace keyspace;
  for (int i = 0; i < 100; ++i) {
    keyspace.database(0).insert("key" + std::to_string(i), keyspace::Object::string("value"));
  }
  std::vector<std::int64_t> counts;
  LoadOptions options;
  options.progress_interval_bytes = 512;
  options.progress = [&](const LoadProgress& progress) { counts.push_back(progress.keys_loaded); };
  ASSERT_TRUE(load(write(keyspace), options)->result);
  ASSERT_FALSE(counts.empty());
  EXPECT_TRUE(std::is_sorted(counts.begin(), counts.end()));
  EXPECT_GT(counts.back(), 0);
  EXPECT_LE(counts.back(), 100);
}

TEST(Snapshot, IsRefusedWhenCutAnywhere) {
  keyspace::Keyspace keyspace;
  keyspace.database(3).insert("k", keyspace::Object::string("some value"));
  const std::string bytes = write(keyspace);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THAT(
        why_refused(bytes.substr(0, size)),
        HasSubstr(
            "Short read or OOM loading DB. Unrecoverable error, aborting now: Unexpected EOF "))
        << size;
  }
}

TEST(Snapshot, IsRefusedWithAnyBitFlipped) {
  keyspace::Keyspace keyspace;
  keyspace.database(0).insert("k", keyspace::Object::string("some value"));
  const std::string bytes = write(keyspace);
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = bytes;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << bit));
      EXPECT_NE(why_refused(damaged), "") << at << "." << bit;
    }
  }
}

TEST(Snapshot, SaysWhatIsWrongAndWhere) {
  keyspace::Keyspace keyspace;
  keyspace.database(0).insert("k", keyspace::Object::string("some value"));
  std::string bytes = write(keyspace);
  EXPECT_THAT(why_refused("SIDER0010" + bytes.substr(9)), HasSubstr("Wrong signature"));
  EXPECT_THAT(why_refused("REDIS0011" + bytes.substr(9)),
              HasSubstr("Can't handle RDB format version 0011"));
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  EXPECT_THAT(why_refused(bytes), HasSubstr("RDB CRC error: Wrong RDB checksum expected"));
}

TEST(Snapshot, WithoutChecksumIsReadToo) {
  keyspace::Keyspace keyspace;
  keyspace.database(0).insert("k", keyspace::Object::string("v"));
  SnapshotOptions options;
  options.checksum = false;
  const auto loaded = load(write(keyspace, options));
  EXPECT_EQ(loaded->keyspace.size(), 1U);
  EXPECT_TRUE(loaded->log.contains("saved with checksum disabled"));
}

// --- by hand: what only other versions write -----------------------------------------------------

// An RDB file of `version` with this between header and end.
std::string file_of(const std::string& body, const std::string& version = "0010") {
  const std::string bytes = "REDIS" + version + body + "\xff";
  std::string crc(8, '\0');
  store_le(crc.data(), crc64(0, bytes));
  return bytes + (version < "0005" ? "" : crc);
}

std::string text(std::string_view bytes) {
  return static_cast<char>(bytes.size()) + std::string(bytes);
}

// Key "k" of this type in database 0.
std::string key_of(int type, const std::string& value) {
  return std::string("\xfe\0", 2) + static_cast<char>(type) + text("k") + value;
}

std::string blob_le(std::uint64_t value, std::size_t bytes) {
  std::string little(8, '\0');
  store_le(little.data(), value);
  return little.substr(0, bytes);
}

std::string ziplist(const std::vector<std::string>& encoded_entries) {
  std::string entries;
  std::size_t previous = 0;
  std::size_t last = 10;
  for (const std::string& entry : encoded_entries) {
    last = 10 + entries.size();
    entries += previous < 254 ? std::string(1, static_cast<char>(previous))
                              : "\xfe" + blob_le(previous, 4);
    entries += entry;
    previous = entry.size() + (previous < 254 ? 1 : 5);
  }
  return blob_le(10 + entries.size() + 1, 4) + blob_le(last, 4) +
         blob_le(encoded_entries.size(), 2) + entries + "\xff";
}

std::string value_of(const std::string& bytes) {
  const auto loaded = load(bytes);
  if (!loaded->result) {
    return loaded->result.error().message;
  }
  const keyspace::KeyEntry* entry = loaded->keyspace.database(0).find("k");
  return entry == nullptr ? "no key" : describe(entry->object);
}

TEST(OldSnapshots, PlainCollectionsAreRead) {
  EXPECT_EQ(value_of(file_of(key_of(0, text("v")), "0001")), "string/embstr:\"v\" ");
  EXPECT_EQ(value_of(file_of(key_of(1, "\x02" + text("a") + text("b")))),
            "list/quicklist:\"a\" \"b\" ");
  EXPECT_EQ(value_of(file_of(key_of(
                3, "\x03" + text("a") + text("1.5") + text("b") + "\xfe" + text("c") + "\xff"))),
            "zset/listpack:\"c\" \"-inf\" \"a\" \"1.5\" \"b\" \"inf\" ");
  EXPECT_THAT(value_of(file_of(key_of(3, "\x01" + text("a") + "\xfd"))),
              HasSubstr("a score that is not a number"));
}

TEST(OldSnapshots, EveryZiplistEncodingIsRead) {
  const std::string list = ziplist({
      "\x05hello",                                        // 6-bit length
      std::string("\x40\x46", 2) + std::string(70, 'm'),  // 14-bit length
      std::string("\x80\0\0\x01\x2c", 5) +
          std::string(300, 'l'),               // 32-bit length, and a long "previous"
      "\xf1", "\xfd",                          // 0 and 12
      "\xfe\x80",                              // -128
      std::string("\xc0\x00\x80", 3),          // -32768
      std::string("\xf0\x00\x00\x80", 4),      // -8388608
      std::string("\xd0\x00\x00\x00\x80", 5),  // -2147483648
      std::string("\xe0\x00\x00\x00\x00\x00\x00\x00\x80", 9),  // the smallest
  });
  const std::string length = std::string("\x80\0\0", 3) + static_cast<char>(list.size() >> 8) +
                             static_cast<char>(list.size());
  const std::string expected = "list/quicklist:\"hello\" \"" + std::string(70, 'm') + "\" \"" +
                               std::string(300, 'l') +
                               "\" \"0\" \"12\" \"-128\" \"-32768\" \"-8388608\" \"-2147483648\" "
                               "\"-9223372036854775808\" ";
  EXPECT_EQ(value_of(file_of(key_of(10, length + list))), expected);
  EXPECT_EQ(value_of(file_of(key_of(14, "\x01" + length + list))), expected);
}

TEST(OldSnapshots, HashesAndSortedSetsInZiplistsAndZipmapsAreRead) {
  EXPECT_EQ(value_of(file_of(key_of(13, text(ziplist({"\x01"
                                                      "f",
                                                      "\x01v", "\x01g", "\xf3"}))))),
            "hash/listpack:\"\\\"f\\\"=\\\"v\\\"\" \"\\\"g\\\"=\\\"2\\\"\" ");
  EXPECT_EQ(value_of(file_of(key_of(12, text(ziplist({"\x01"
                                                      "a",
                                                      "\xf2",
                                                      "\x01"
                                                      "b",
                                                      "\x03"
                                                      "1.5"}))))),
            "zset/listpack:\"a\" \"1\" \"b\" \"1.5\" ");
  const std::string zipmap = std::string(
      "\x02\x01"
      "f\x01\x00"
      "v\x01g\x02\x03"
      "vw...\xff",
      16);
  EXPECT_EQ(value_of(file_of(key_of(9, text(zipmap)))),
            "hash/listpack:\"\\\"f\\\"=\\\"v\\\"\" \"\\\"g\\\"=\\\"vw\\\"\" ");
}

TEST(OldSnapshots, ExpiryInSecondsAndHintsOfEvictionAreRead) {
  const std::string body = std::string("\xfe\0", 2) + "\xfd" + blob_le(1'700'000'100, 4) +
                           std::string("\xf8\x05\xf9\x07\0", 5) + text("k") + text("v");
  const auto loaded = load(file_of(body));
  ASSERT_TRUE(loaded->result) << loaded->result.error().message;
  const keyspace::Database& database = loaded->keyspace.database(0);
  EXPECT_EQ(database.expire_ms(*database.find("k")), 1'700'000'100'000);
}

TEST(OldSnapshots, CollectionsTooBigForTheirEncodingAreConverted) {
  std::string intset = blob_le(2, 4) + blob_le(600, 4);
  for (std::uint64_t i = 0; i < 600; ++i) {
    intset += blob_le(i, 2);
  }
  const std::string length = std::string("\x80\0\0", 3) + static_cast<char>(intset.size() >> 8) +
                             static_cast<char>(intset.size());
  EXPECT_THAT(value_of(file_of(key_of(11, length + intset))), HasSubstr("set/hashtable"));
}

TEST(OldSnapshots, EmptyCollectionsAreSkippedAndNamed) {
  const auto loaded = load(file_of(key_of(1, std::string(1, '\0')) + key_of(0, text("v"))));
  ASSERT_TRUE(loaded->result);
  EXPECT_EQ(loaded->keyspace.size(), 1U);
  EXPECT_TRUE(loaded->log.contains("rdbLoadObject skipping empty key: k"));
  EXPECT_TRUE(loaded->log.contains("empty keys skipped: 1."));
}

TEST(Snapshot, RefusesWhatThisEngineCannotHoldWithAReason) {
  EXPECT_THAT(why_refused(file_of(key_of(19, ""))), HasSubstr("holds a stream"));
  EXPECT_THAT(why_refused(file_of(key_of(7, ""))), HasSubstr("a value of a module"));
  EXPECT_THAT(why_refused(file_of("\xf5" + text("#!lua"))), HasSubstr("Lua functions"));
  EXPECT_THAT(why_refused(file_of(key_of(20, ""))),
              HasSubstr("Invalid object type: 20 (Unknown RDB encoding type 20)"));
  EXPECT_THAT(why_refused(file_of("\xfe\x10")), HasSubstr("more than 16 databases"));
  EXPECT_THAT(
      why_refused(file_of(key_of(0, text("v")) + std::string("\0", 1) + text("k") + text("w"))),
      HasSubstr("RDB has duplicated key 'k' in DB 0"));
}

TEST(Snapshot, RefusesBlobsThatLie) {
  const auto refused = [](int type, const std::string& blob) {
    return why_refused(file_of(key_of(type, text(blob))));
  };
  const std::string pair = std::string(
      "\x0d\0\0\0\x02\0\x81"
      "f\x02\x81"
      "v\x02\xff",
      13);
  EXPECT_EQ(refused(16, pair), "");
  EXPECT_NE(refused(16, pair.substr(0, 12)), "");
  EXPECT_NE(refused(16, std::string("\x0a\0\0\0\x01\0\x81"
                                    "f\x02\xff",
                                    10)),
            "")
      << "odd";
  EXPECT_NE(refused(16, std::string("\x13\0\0\0\x04\0\x81"
                                    "f\x02\x81"
                                    "v\x02\x81"
                                    "f\x02\x81"
                                    "w\x02\xff",
                                    19)),
            "")
      << "the same field twice";
  EXPECT_NE(refused(17, pair), "") << "a score that is no number";
  EXPECT_NE(refused(11, std::string("\x02\0\0\0\x02\0\0\0\x05\0\x04\0", 12)), "")
      << "not ascending";
  EXPECT_NE(refused(11, std::string("\x03\0\0\0\x00\0\0\0", 8)), "") << "no such width";
  EXPECT_NE(refused(13, ziplist({"\x01"
                                 "f"})),
            "")
      << "odd";
}

TEST(Snapshot, ACompressedStringThatClaimsAHugeSizeCostsNoMemory) {
  const std::string claim = std::string("\xc3\x05\x81\0\0\0\x01\0\0\0\0", 11) + "abcde";
  EXPECT_THAT(why_refused(file_of(key_of(0, claim))), HasSubstr("Invalid LZF compressed string"));
}

TEST(Snapshot, AFalseCountOfKeysCostsNoMemory) {
  const std::string claim = std::string("\xfe\0\xfb", 3) +
                            std::string("\x81\x7f\xff\xff\xff\xff\xff\xff\xff", 9) +
                            std::string(1, '\0');
  const auto loaded = load(file_of(claim + key_of(0, text("v"))));
  ASSERT_TRUE(loaded->result);
  EXPECT_EQ(loaded->keyspace.size(), 1U);
  EXPECT_LT(loaded->keyspace.database(0).table_bytes(), 4096U);
}

// Keys are inserted some time after they were read: none may be lost at a change of the database or
// at the end.
TEST(Snapshot, BringsBackAnyNumberOfKeysInSeveralDatabases) {
  for (int count = 0; count <= 40; ++count) {
    std::string body;
    for (const char db : {'\0', '\3'}) {
      body += '\xfe';
      body += db;
      for (int i = 0; i < count; ++i) {
        body += std::string(1, '\0') + text("key" + std::to_string(i)) + text("v");
      }
    }
    const auto loaded = load(file_of(body));
    ASSERT_TRUE(loaded->result);
    EXPECT_EQ(loaded->result->keys_loaded, 2 * count);
    for (const int db : {0, 3}) {
      ASSERT_EQ(loaded->keyspace.database(db).size(), static_cast<std::size_t>(count));
      for (int i = 0; i < count; ++i) {
        EXPECT_NE(loaded->keyspace.database(db).find("key" + std::to_string(i)), nullptr);
      }
    }
  }
}

// Values of every kind, damaged at every byte: an error or another value, never a crash.
TEST(DumpPayload, SurvivesEveryFlipAndCut) {
  const keyspace::EncodingLimits limits;
  for (const NamedValue& named : all_values(limits)) {
    const std::string payload = dump_value(named.value);
    const Result<keyspace::Object> restored = restore_value(payload, limits);
    ASSERT_TRUE(restored) << named.name;
    EXPECT_EQ(describe(*restored), describe(named.value));
    const std::size_t step = payload.size() <= 200 ? 1 : payload.size() / 8;
    for (std::size_t at = 0; at < payload.size(); at += step) {
      for (const int mask : {1, 0x80}) {
        std::string damaged = payload;
        damaged[at] = static_cast<char>(damaged[at] ^ mask);
        EXPECT_FALSE(restore_value(damaged, limits)) << named.name << " at " << at;
        const Result<keyspace::Object> unverified = restore_value(damaged, limits, false);
        if (unverified) {
          dump_value(*unverified);
        }
      }
      EXPECT_FALSE(restore_value(payload.substr(0, at), limits, false));
    }
  }
}

TEST(DumpPayload, IsRefusedWithTheRepliesOfRedisServer) {
  const keyspace::EncodingLimits limits;
  std::string payload = dump_value(keyspace::Object::string("v"));
  EXPECT_EQ(restore_value("short", limits).error().message,
            "ERR DUMP payload version or checksum are wrong");
  std::string newer = payload;
  newer[newer.size() - 10] = 11;
  EXPECT_EQ(restore_value(newer, limits).error().message,
            "ERR DUMP payload version or checksum are wrong");
  std::string other_type = payload;
  other_type[0] = 99;
  EXPECT_EQ(restore_value(other_type, limits, false).error().message, "ERR Bad data format");
}

}  // namespace
}  // namespace engine::rdb
