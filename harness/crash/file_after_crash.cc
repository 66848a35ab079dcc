#include "harness/crash/file_after_crash.h"

#include <algorithm>
#include <utility>

#include "harness/base/check.h"
#include "harness/base/random.h"

namespace crashpoint::crash {
namespace {

std::uint64_t round_up(std::uint64_t size) {
  return (size + kBlockSize - 1) / kBlockSize * kBlockSize;
}

// The same bytes at the same place every time, so that equal states have equal digests.
char garbage_at(std::uint64_t offset) {
  static const std::string kGarbage = Random(0, "crash/garbage").bytes(kBlockSize - 1);
  return kGarbage[offset % kGarbage.size()];
}

}  // namespace

void FileAfterCrash::put(std::uint64_t offset, std::string_view data) {
  if (data.empty()) {
    return;
  }
  if (bytes_.size() < offset + data.size()) {
    bytes_.resize(offset + data.size());
  }
  data.copy(bytes_.data() + offset, data.size());
}

void FileAfterCrash::fill(std::uint64_t from, std::uint64_t to, Choice choice) {
  if (from >= to) {
    return;
  }
  if (bytes_.size() < to) {
    bytes_.resize(to);
  }
  for (std::uint64_t at = from; at < to; ++at) {
    const bool has_stale = choice == Choice::kStale && from > 0;
    bytes_[at] = has_stale ? bytes_[(at - from) % from] : garbage_at(at);
  }
}

void FileAfterCrash::apply(const MicroOp& op, std::string_view data) {
  switch (op.kind) {
    case MicroKind::kData:
      HARNESS_CHECK(data.size() == op.size, data.size(), op.size);
      put(op.offset, data);
      break;
    case MicroKind::kGrow:
      size_ = std::max(size_, op.size);
      break;
    case MicroKind::kResize:
      size_ = op.size;
      bytes_.resize(std::min<std::uint64_t>(bytes_.size(), size_));
      break;
    case MicroKind::kCutTail:
    case MicroKind::kZero:
      if (op.offset < bytes_.size()) {
        const std::uint64_t count = std::min<std::uint64_t>(op.size, bytes_.size() - op.offset);
        std::fill_n(bytes_.begin() + static_cast<std::ptrdiff_t>(op.offset), count, '\0');
      }
      break;
    case MicroKind::kCollapse:
      if (op.offset < bytes_.size()) {
        bytes_.erase(op.offset, op.size);
      }
      size_ -= op.offset < size_ ? std::min(op.size, size_ - op.offset) : 0;
      break;
    case MicroKind::kInsert:
      if (op.offset < bytes_.size()) {
        bytes_.insert(op.offset, op.size, '\0');
      }
      size_ += op.offset < size_ ? op.size : 0;
      break;
    case MicroKind::kCreateEntry:
    case MicroKind::kDeleteEntry:
      break;
  }
}

void FileAfterCrash::fill(const MicroOp& op, Choice choice) {
  fill(std::max(op.offset, op.end_before), op.offset + op.size, choice);
}

void FileAfterCrash::apply_torn(const MicroOp& op, std::string_view data, const Tear& tear,
                                std::uint64_t write_offset, std::uint64_t write_size) {
  HARNESS_CHECK(tear.from <= tear.to && tear.to <= write_size, tear.from, tear.to, write_size);
  const std::uint64_t survives_from = write_offset + tear.from;
  const std::uint64_t survives_to = write_offset + tear.to;
  if (op.kind == MicroKind::kGrow) {
    std::uint64_t end = op.size;
    if (tear.rest == Tear::Rest::kCut) {
      end = std::min(end, survives_to);
    } else if (tear.rest == Tear::Rest::kBlock && end == write_offset + write_size) {
      end = round_up(end);
    }
    size_ = tear.from < tear.to || tear.rest != Tear::Rest::kCut ? std::max(size_, end) : size_;
    return;
  }
  if (op.kind != MicroKind::kData) {
    apply(op, data);
    return;
  }
  if (tear.rest == Tear::Rest::kGarbage) {
    fill(op, Choice::kGarbage);
  } else if (tear.rest == Tear::Rest::kStale) {
    fill(op, Choice::kStale);
  }
  const std::uint64_t from = std::max(op.offset, survives_from);
  const std::uint64_t to = std::min(op.offset + op.size, survives_to);
  if (from < to) {
    put(from, data.substr(from - op.offset, to - from));
  }
}

std::string FileAfterCrash::take() {
  bytes_.resize(size_);  // with zeros where nothing was written
  return std::move(bytes_);
}

}  // namespace crashpoint::crash
