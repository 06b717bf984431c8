/// How large a head may be. Sizes are in bytes, line ends not counted unless said.
package struct HeadLimits: Sendable {
    /// The request line or status line.
    package var requestLine = 8192
    /// One field line: name, colon and value. Also one trailer line.
    package var fieldLine = 8192
    /// The whole head with its line ends. Also all trailer lines of one body.
    package var head = 65536
    /// Field lines, those that are dropped included. Also trailer lines.
    package var fields = 100
    /// Whether fields with `_` in their names are kept. Servers that build CGI variables cannot tell
    /// `_` from `-`, so that `X_Forwarded_For` would pass for what the gateway wrote.
    package var keepsUnderscores = false

    package init() {}
}
