#pragma once
#include "StringRef.hpp"
#include <string>

namespace poplar {

/// A name in the hierarchy of names of a program's parts.
class DebugNameAndId {
public:
  DebugNameAndId(StringRef name = "") : path_(name) {}
  DebugNameAndId(const std::string &name) : path_(name) {}
  DebugNameAndId(const char *name) : path_(name) {}
  DebugNameAndId(const DebugNameAndId &parent, StringRef name)
      : path_(parent.path_.empty() ? std::string(name)
              : name.empty()       ? parent.path_
                                   : parent.path_ + "/" + std::string(name)) {}
  const std::string &getPathName() const { return path_; }

private:
  std::string path_;
};

/// Names the variable, vertex, compute set or program being made.
class DebugContext {
public:
  DebugContext() = default;
  DebugContext(const char *name) : name_(name) {}
  DebugContext(StringRef name) : name_(name) {}
  DebugContext(const std::string &name) : name_(name) {}
  DebugContext(const DebugNameAndId &parent, StringRef name = "") : name_(parent, name) {}
  DebugContext(const DebugContext &parent, StringRef name) : name_(parent.name_, name) {}
  std::string getPathName() const { return name_.getPathName(); }
  operator DebugNameAndId() const { return name_; }

private:
  DebugNameAndId name_;
};

/// Kept for programs that pass it on; carries the name only.
class DebugInfo {
public:
  DebugInfo(const DebugContext &context, const std::string & = "") : context_(context) {}
  operator DebugContext() const { return context_; }
  operator DebugNameAndId() const { return context_; }
  std::string getPathName() const { return context_.getPathName(); }

private:
  DebugContext context_;
};

} // namespace poplar
