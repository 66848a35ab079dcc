#include "engine/persistence/rewrite.h"

#include <unistd.h>

#include <utility>

#include "engine/io/directory.h"
#include "engine/io/failpoint.h"
#include "engine/persistence/base_file.h"

namespace engine::persistence {

Result<std::unique_ptr<Rewrite>> Rewrite::begin(AppendOnlyFile& aof, const Settings& settings,
                                                const Clock& clock, Log& log) {
  const Result<RewriteKind> kind = aof.prepare_rewrite();
  if (!kind) {
    return tl::unexpected(kind.error());
  }
  std::unique_ptr<Rewrite> rewrite(new Rewrite(aof, settings, clock, log, *kind));
  if (const Status ok = io::fail_at("aof/rewrite/before-fork"); !ok) {
    return tl::unexpected(ok.error());
  }
  return rewrite;
}

Rewrite::~Rewrite() {
  if (state_ == State::kInstalled) {
    return;
  }
  if (!base_.empty()) {
    static_cast<void>(io::remove_file(aof_.directory().path(base_)));
  }
  aof_.abandon_rewrite(kind_, state_ == State::kSwitched);
}

Status Rewrite::write_base(const keyspace::Keyspace& keyspace, ProgressReporter& progress) const {
  ENGINE_CHECK(state_ == State::kPrepared, state_);  // the child's copy, as it was at the fork
  if (Status ok = io::fail_at("aof/rewrite/child-start"); !ok) {
    return ok;
  }
  const std::string temp = temp_base_name(::getpid());
  const std::uint64_t half = keyspace.size() / 2;
  const auto report = [&](std::uint64_t keys_written) {
    progress.keys_written(keys_written);
    if (keys_written == half) {
      static_cast<void>(io::failpoint("aof/rewrite/child-half"));
    }
  };
  if (Status written = write_base_file(aof_.directory().path(temp), keyspace, settings_,
                                       clock_.wall_ms() / 1000, report);
      !written) {
    return written;
  }
  log_.notice("Successfully created the temporary AOF base file {}", temp);
  return io::fail_at("aof/rewrite/child-before-exit");
}

Status Rewrite::forked(pid_t child) {
  ENGINE_CHECK(state_ == State::kPrepared && child > 0, state_, child);
  state_ = State::kForked;
  base_ = temp_base_name(child);
  if (Status ok = io::fail_at("aof/rewrite/after-fork"); !ok) {
    return ok;
  }
  if (Status switched = aof_.switch_increment(kind_); !switched) {
    return switched;
  }
  state_ = State::kSwitched;
  return io::fail_at("aof/rewrite/after-switch");
}

// The new base and what has been logged since the fork; everything else becomes history, in
// redis-server's order: what was logged, its base, what had been history before. The increment of a
// kFresh is still missing.
aof::Manifest Rewrite::next_manifest(const aof::ManifestEntry& base) const {
  const aof::Manifest& now = aof_.directory().manifest();
  aof::Manifest next;
  next.base = base;
  next.history = now.increments;
  if (kind_ == RewriteKind::kSwitch) {
    ENGINE_CHECK(!next.history.empty());  // steps since the fork are in the last of them
    next.increments.push_back(next.history.back());
    next.history.pop_back();
  }
  if (now.base) {
    next.history.push_back(*now.base);
  }
  next.history.insert(next.history.end(), now.history.begin(), now.history.end());
  return next;
}

// Every step before the manifest can be undone by the destructor; persist() is the one that counts.
Status Rewrite::install() {
  ENGINE_CHECK(state_ == State::kSwitched, state_);
  if (kind_ == RewriteKind::kFresh) {
    if (Status sealed = aof_.seal_temp_increment(); !sealed) {
      return sealed;
    }
  }
  AofDirectory& directory = aof_.directory();
  const Result<aof::ManifestEntry> base = directory.name_base(base_);
  if (!base) {
    return tl::unexpected(base.error());
  }
  log_.notice("Successfully renamed the temporary AOF base file {} into {}", base_, base->name);
  base_ = base->name;

  aof::Manifest next = next_manifest(*base);
  if (kind_ == RewriteKind::kFresh) {
    next.increments.push_back(directory.next_increment());
    if (Status adopted = aof_.adopt_temp_increment(next.increments.back()); !adopted) {
      return adopted;
    }
  }
  if (Status persisted = directory.persist(std::move(next)); !persisted) {
    return persisted;
  }
  state_ = State::kInstalled;
  aof_.rewrite_installed(kind_);
  return {};
}

}  // namespace engine::persistence
