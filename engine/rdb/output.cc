#include "engine/rdb/output.h"

#include "engine/base/check.h"
#include "engine/base/crc64.h"

namespace engine::rdb {

void Output::put(std::string_view bytes) {
  if (file_ != nullptr && buffer_.size() + bytes.size() > kBufferBytes) {
    write(buffer_);
    buffer_.clear();
    if (bytes.size() > kBufferBytes) {
      write(bytes);
      return;
    }
  }
  buffer_ += bytes;
}

void Output::write(std::string_view bytes) {
  ENGINE_CHECK(file_ != nullptr);
  if (!status_ || bytes.empty()) {
    return;
  }
  if (checksum_) {
    crc_ = crc64(crc_, bytes);
  }
  status_ = file_->write_all(bytes);
  written_ += bytes.size();
  if (status_ && write_back_ && written_ - written_back_ >= kWriteBackBytes) {
    file_->start_writeback(written_back_, written_ - written_back_);
    written_back_ = written_;
  }
}

Status Output::flush() {
  if (file_ != nullptr) {
    write(buffer_);
    buffer_.clear();
  }
  return status_;
}

}  // namespace engine::rdb
