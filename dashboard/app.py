"""Entry point of the dashboard, as Streamlit runs it.

A process that reads bill files imports the running script first, whose name is another one then: it needs no screen."""

if __name__ == "__main__":
    from dashboard.shell import main

    main()
