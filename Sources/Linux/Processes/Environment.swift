import Glibc

/// The process's environment.
package enum Environment {
    package static func value(_ name: String) -> String? {
        // Sound: the text is copied at once; nothing in this process changes its environment.
        guard let value = unsafe getenv(name) else { return nil }
        return unsafe String(cString: value)
    }
}

/// The process's standard error.
package enum StandardError {
    /// Writes all of `text`, as far as it is taken.
    package static func write(_ text: String) {
        let bytes = Array(text.utf8)
        var rest = bytes[...]
        while !rest.isEmpty, let count = FileWriting.append(rest.span, to: 2) { rest = rest.dropFirst(count) }
    }
}
