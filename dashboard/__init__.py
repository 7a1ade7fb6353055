"""The shell around the screens: entry, navigation, session, shared widgets."""
