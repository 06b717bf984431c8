/// Where a thing stands in the site file, so that an error found later can still point there.
///
/// Positions never make two values differ: a listener that moved by a line is the same listener, and a reload leaves it
/// alone.
package struct SourcePosition: Sendable, Equatable {
    /// Counted from 1; 0 when the value did not come from a file.
    package let line: Int
    /// Counted from 1, in characters.
    package let column: Int

    package init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }

    /// The position of what did not come from a file.
    package static let none = SourcePosition(line: 0, column: 0)

    /// Always true: see the type.
    package static func == (left: SourcePosition, right: SourcePosition) -> Bool { true }
}
